//! What is printed: results on standard output, everything else on standard error.

use std::io::{self, Write};

/// Prints a line of the result.
pub fn result(line: &str) {
    // Whoever reads it may have gone.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints what a reader should know meanwhile.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr(), "bench: {line}");
}
