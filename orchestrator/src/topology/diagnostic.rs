//! Mistakes in a topology file, and how they are shown.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Every mistake found in one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file's name in messages.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The mistakes; at least one.
    pub list: Vec<Diagnostic>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is, in bytes of the file; `None` for one that is not in the file (`--set`).
    pub span: Option<Range<usize>>,
    /// The mistake.
    pub message: String,
    /// The text to write instead.
    pub remedy: String,
}

impl Diagnostic {
    /// A mistake at a place in the file.
    pub fn new(span: Range<usize>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            span: Some(span),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl Diagnostics {
    /// Puts the mistakes in order and leaves out each that lies within, or repeats, an earlier found
    /// one: it would only be that one's consequence.
    pub(super) fn new(file: &str, text: &str, found: Vec<Diagnostic>) -> Self {
        let mut list: Vec<Diagnostic> = Vec::new();
        for diagnostic in found {
            let repeats = list
                .iter()
                .any(|earlier| match (&earlier.span, &diagnostic.span) {
                    (Some(a), Some(b)) => a == b || a.start < b.start && b.end < a.end,
                    _ => *earlier == diagnostic,
                });
            if !repeats {
                list.push(diagnostic);
            }
        }
        list.sort_by_key(|d| d.span.as_ref().map(|span| (span.start, span.end)));
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            list,
        }
    }

    /// The mistakes as a person reads them: file, line, column, the line itself, a caret and what to
    /// write instead. With `colour`, in ANSI colours.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Unicode);
        let mut shown: Vec<String> = self.list.iter().map(|d| self.show(d, &renderer)).collect();
        shown.push(String::new());
        shown.join("\n")
    }

    fn show(&self, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(diagnostic.message.as_str());
        let group = match &diagnostic.span {
            Some(span) => title.element(
                Snippet::source(self.text.as_str())
                    .path(self.file.as_str())
                    .annotation(
                        AnnotationKind::Primary
                            .span(self.within(span))
                            .label(diagnostic.remedy.as_str()),
                    ),
            ),
            None => title.element(Level::HELP.message(diagnostic.remedy.as_str())),
        };
        let mut text = renderer.render(&[group]);
        text.push('\n');
        text
    }

    /// The span, inside the text and between characters.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(span.start);
        start..self.text.ceil_char_boundary(span.end.max(start))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
