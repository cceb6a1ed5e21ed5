//! Where what is made goes: a file, or standard output.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;

use crate::evidence::whole::write_whole;

use super::failure::Failure;
use super::printer::Printer;

/// Writes bytes to a file and says so, or prints them where none is named. No file is left half
/// written.
///
/// # Errors
/// If they cannot be written, or would go to a terminal and are no text.
pub fn write(bytes: &[u8], file: Option<&Path>, printer: Printer) -> Result<(), Failure> {
    match file {
        Some(file) => {
            write_file(bytes, file)?;
            printer.note(format_args!("wrote {}", file.display()));
            Ok(())
        }
        None if io::stdout().is_terminal() && std::str::from_utf8(bytes).is_err() => {
            let text = "this is no text for a terminal; say --output FILE";
            Err(Failure::Input(text.to_owned()))
        }
        None => {
            printer.bytes(bytes);
            Ok(())
        }
    }
}

/// Writes a file with its folders; it appears under its name when it is whole.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(bytes: &[u8], file: &Path) -> Result<(), Failure> {
    let wrong = |error: io::Error| Failure::Error(format!("writing {}: {error}", file.display()));
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(wrong)?;
    if file.exists() && !file.is_file() {
        // A device or a pipe, as in --output /dev/null.
        return fs::write(file, bytes).map_err(wrong);
    }
    write_whole(file, bytes, 0o666).map_err(wrong)
}
