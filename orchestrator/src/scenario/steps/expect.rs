//! The expectations of a program that ended.

use protocol::control::Exit;

use crate::control::Collected;
use crate::topology::model::Expectation;

use super::value::Values;

/// Describes the unmet expectations and what was seen; `None` where all are met.
pub fn check(expect: &Expectation, values: &Values, seen: &Collected) -> Option<String> {
    let stdout = String::from_utf8_lossy(&seen.stdout);
    let stderr = String::from_utf8_lossy(&seen.stderr);
    let mut wrong = Vec::new();
    if seen.exit != Exit::Code(expect.code) {
        wrong.push(format!(
            "{}, expected exit code {}",
            ending(seen.exit),
            expect.code
        ));
    }
    if let Some(whole) = &expect.stdout_is {
        let whole = values.fill(whole);
        if stdout.trim() != whole.trim() {
            wrong.push(format!("standard output is not {whole:?}"));
        }
    }
    let lacks = |stream: &str, printed: &str, texts: &[String]| {
        let missing = values
            .fill_all(texts)
            .into_iter()
            .find(|text| !printed.contains(text));
        missing.map(|text| format!("{stream} does not contain {text:?}"))
    };
    wrong.extend(lacks("standard output", &stdout, &expect.stdout_contains));
    wrong.extend(lacks("standard error", &stderr, &expect.stderr_contains));
    if wrong.is_empty() {
        return None;
    }
    let printed = [("standard output", &stdout), ("standard error", &stderr)];
    let printed = printed.iter().filter(|(_, text)| !text.trim().is_empty());
    let mut text = wrong.join("; ");
    text.extend(printed.map(|(name, text)| format!("\n{name}: {}", tail(text.trim()))));
    Some(text)
}

/// Describes the end of a program, in words.
pub fn ending(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("ended by signal {signal}"),
    }
}

/// The last [`TAIL`] characters, where a program's last words usually are.
fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(TAIL);
    let mark = if skip > 0 { "…" } else { "" };
    format!("{mark}{}", text.chars().skip(skip).collect::<String>())
}

const TAIL: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_what_was_seen() {
        let seen = Collected {
            stdout: b"sent 3\n".to_vec(),
            stderr: b"late\n".to_vec(),
            dropped: 0,
            exit: Exit::Code(1),
        };
        let mut expect = Expectation {
            code: 1,
            stdout_contains: vec!["sent".to_owned()],
            stdout_is: Some("sent 3".to_owned()),
            stderr_contains: vec!["late".to_owned()],
        };
        assert_eq!(check(&expect, &Values::default(), &seen), None);
        expect.code = 0;
        expect.stdout_contains = vec!["received".to_owned()];
        let wrong = check(&expect, &Values::default(), &seen).unwrap();
        for part in [
            "exit code 1",
            "expected exit code 0",
            "\"received\"",
            "sent 3",
            "late",
        ] {
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
