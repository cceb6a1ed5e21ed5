//! `report`, and the reports at a run's end.

use crate::evidence::RunFolder;
use crate::evidence::folder::{REPORT_HTML, REPORT_JSON};
use crate::report;
use crate::report::model::RunReport;
use crate::report::text::Colour;

use super::args::{Format, ReportArgs};
use super::failure::{Failure, Status};
use super::printer::Printer;

/// Renders the reports of a finished run again.
///
/// # Errors
/// If there is no `report.json`, or it is none, or the reports cannot be written.
pub fn report(args: &ReportArgs, printer: Printer) -> Result<Status, Failure> {
    let path = args.directory.join(REPORT_JSON);
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Input(format!(
            "{}: {error}; name the directory of a finished run",
            path.display()
        ))
    };
    let json = std::fs::read(&path).map_err(|error| wrong(&error))?;
    let report = report::read::read(&json).map_err(|error| wrong(&error))?;
    let folder = RunFolder::open(&args.directory)?;
    write_reports(&folder, &report)?;
    match printer.format {
        Format::Json => printer.json(&report)?,
        Format::Table => printer.result(verdict(&report, Some(&folder), printer)),
    }
    Ok(Status::of(report.outcome))
}

/// Writes every form of the report into the run directory, and tables as CSV.
///
/// # Errors
/// If one cannot be written.
pub fn write_reports(folder: &RunFolder, report: &RunReport) -> Result<(), Failure> {
    for format in report::Format::ALL {
        let bytes = format
            .render(report)
            .map_err(|error| Failure::Error(error.to_string()))?;
        folder.write(format.file_name(), &bytes)?;
    }
    for scenario in &report.scenarios {
        if let Some(table) = report::stress::csv(scenario) {
            folder.table(&scenario.name, table.as_bytes())?;
        }
    }
    Ok(())
}

/// Renders the end of a run, with the page in `folder` where one was written.
pub fn verdict(report: &RunReport, folder: Option<&RunFolder>, printer: Printer) -> String {
    let colour = if printer.colour {
        Colour::Always
    } else {
        Colour::Never
    };
    let page = folder.map(|folder| folder.file(REPORT_HTML).display().to_string());
    report::text::TextRenderer { colour }.whole(report, page.as_deref())
}
