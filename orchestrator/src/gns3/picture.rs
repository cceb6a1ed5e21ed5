//! The SVG of drawings: texts as GNS3's own notes are, with one thing beside it that no window shows.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

/// A note: lines of text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The text.
    pub text: String,
    /// The font's size, in points.
    pub size: u32,
    /// Whether it is written in bold.
    pub bold: bool,
    /// The text that is kept with it and not shown.
    pub kept: Option<String>,
}

impl Note {
    /// The SVG. GNS3 takes it for a text that can be edited by its first element.
    pub fn svg(&self) -> String {
        let longest = self.text.lines().map(|line| line.chars().count()).max();
        let letters = u32::try_from(longest.unwrap_or(1)).unwrap_or(u32::MAX);
        let lines = u32::try_from(self.text.lines().count()).unwrap_or(u32::MAX);
        let width = letters.saturating_mul(self.size);
        let height = lines.saturating_mul(self.size).saturating_mul(2);
        let weight = if self.bold { "bold" } else { "normal" };
        let kept = self.kept.as_deref();
        let kept = kept.map(|kept| format!("<desc>{}</desc>", escape(kept)));
        let kept = kept.unwrap_or_default();
        format!(
            "<svg height=\"{height}\" width=\"{width}\"><text font-family=\"TypeWriter\" \
             font-size=\"{}\" font-weight=\"{weight}\" fill=\"#000000\">{}</text>{kept}</svg>",
            self.size,
            escape(self.text.as_str()),
        )
    }

    /// The texts of a drawing; none where it is no text at all.
    pub fn read(svg: &str) -> Option<Self> {
        let mut reader = Reader::from_str(svg);
        let mut note = Self::default();
        let mut within = Vec::new();
        let mut kept = String::new();
        loop {
            let mut add = |text: &str| match within.last().map(Vec::as_slice) {
                Some(b"text" | b"tspan") => note.text.push_str(text),
                Some(b"desc") => kept.push_str(text),
                _ => {}
            };
            match reader.read_event().ok()? {
                Event::Start(tag) => within.push(tag.local_name().as_ref().to_vec()),
                Event::End(_) => drop(within.pop()),
                Event::Text(text) => add(&text.decode().ok()?),
                Event::CData(text) => add(&text.decode().ok()?),
                Event::GeneralRef(entity) => {
                    if let Ok(Some(letter)) = entity.resolve_char_ref() {
                        add(letter.encode_utf8(&mut [0; 4]));
                    } else {
                        let name = entity.decode().ok()?;
                        add(quick_xml::escape::resolve_predefined_entity(&name)?);
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        note.kept = (!kept.is_empty()).then_some(kept);
        (!note.text.is_empty() || note.kept.is_some()).then_some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = Note {
            text: "a < b & c\n\"second\" line".to_owned(),
            kept: Some("[node.a]\nenv = { A = \"<é>\" }\n".to_owned()),
            size: 10,
            bold: true,
        };
        let read = Note::read(&note.svg()).unwrap();
        assert_eq!((read.text, read.kept), (note.text, note.kept));
    }

    #[test]
    fn a_shape_is_no_note() {
        assert_eq!(Note::read("<svg><ellipse cx=\"1\"/></svg>"), None);
        assert_eq!(Note::read("no svg <"), None);
    }
}
