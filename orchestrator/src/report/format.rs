//! The forms of a report.

use super::model::RunReport;
use super::{html, junit, markdown};

/// A form of a report. Each is a pure function from the run to the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The run as data: `report.json`.
    Json,
    /// Test cases: `junit.xml`.
    Junit,
    /// Text for people: `report.md`.
    Markdown,
    /// A page: `report.html`.
    Html,
}

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As JSON.
    #[error("rendering report.json: {0}")]
    Json(#[from] serde_json::Error),
    /// As XML.
    #[error("rendering junit.xml: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// As a page.
    #[error("rendering report.html: {0}")]
    Html(#[from] askama::Error),
}

impl Format {
    /// All of them. The data comes first: from it the others can be rendered again.
    pub const ALL: [Self; 4] = [Self::Json, Self::Junit, Self::Markdown, Self::Html];

    /// The name of its file in the run directory.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Json => "report.json",
            Self::Junit => "junit.xml",
            Self::Markdown => "report.md",
            Self::Html => "report.html",
        }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`RenderError`] says in which form.
    pub fn render(self, report: &RunReport) -> Result<Vec<u8>, RenderError> {
        Ok(match self {
            Self::Json => {
                let mut json = serde_json::to_vec_pretty(report)?;
                json.push(b'\n');
                json
            }
            Self::Junit => junit::render(report)?.into_bytes(),
            Self::Markdown => markdown::render(report).into_bytes(),
            Self::Html => html::render(report)?.into_bytes(),
        })
    }
}
