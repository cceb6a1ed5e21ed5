//! The beginning of a session: the program is started from the shell, unless it is there, and greeted.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use protocol::VERSION;
use protocol::console::line::{Kind, Line, Side};
use protocol::console::scanner::Input;
use tokio::time::timeout;

use super::channel::{Channel, Event};
use super::error::ConsoleErrorKind;

/// Begins a session with the program that `command` starts, and returns its number.
pub(super) async fn greet(channel: &mut Channel, command: &str) -> Result<u64, ConsoleErrorKind> {
    // The standard library seeds its hashers from the kernel.
    let number = RandomState::new().build_hasher().finish();
    let mut last = String::new();
    let welcome = until_welcome(channel, command, number, &mut last);
    if let Ok(outcome) = timeout(GREETING, welcome).await {
        return outcome.map(|()| number);
    }
    let prompt = readable(channel.unfinished());
    Err(ConsoleErrorKind::NoAnswer {
        asked: format!("`{command}`"),
        seconds: GREETING.as_secs(),
        seen: describe(&last, &prompt),
    })
}

async fn until_welcome(
    channel: &mut Channel,
    command: &str,
    number: u64,
    last: &mut String,
) -> Result<(), ConsoleErrorKind> {
    let output = channel.output();
    let say = async |bytes| {
        let said = output.send(bytes).await;
        said.map_err(|_| ConsoleErrorKind::Closed)
    };
    let mut hello = Vec::new();
    Line::greeting(Kind::Hello, number).encode(Side::Client, &mut hello);
    // If the program is there it passes over the command; if the shell is, the hello is a comment.
    let both = [CLEAR_LINE, command.as_bytes(), b"\n", &hello].concat();
    say(both.clone()).await?;
    let mut ticks = 0u32;
    loop {
        match channel.next().await {
            Event::Input(Input::Line(line)) if line.kind == Kind::Ready => {
                say(hello.clone()).await?;
            }
            Event::Input(Input::Line(line))
                if line.kind == Kind::Welcome && line.session == number =>
            {
                return match line.version() {
                    Some(VERSION) => Ok(()),
                    other => Err(ConsoleErrorKind::Version(other.unwrap_or_default())),
                };
            }
            Event::Input(Input::Other(text)) => note(&text, command, last),
            // Another session's, or damaged by whatever was on the console.
            Event::Input(Input::Line(_) | Input::Damaged) => {}
            Event::Tick => {
                ticks += 1;
                if ticks == MUTE && channel.is_mute() {
                    return Err(ConsoleErrorKind::Mute);
                }
                // The program may have been at its end and have taken the command for noise; the agent may not
                // have been up. Seldom, for if somebody's own program is there, it sees what is typed.
                if ticks.is_power_of_two() {
                    say(both.clone()).await?;
                }
            }
            Event::Closed => return Err(ConsoleErrorKind::Closed),
        }
    }
}

/// Keeps what a person would want to know of, which the echo of our own typing is not.
fn note(text: &[u8], command: &str, last: &mut String) {
    let text = readable(text);
    if !text.is_empty() && !text.contains(command) && !text.contains("#>") {
        *last = text;
    }
}

fn describe(last: &str, prompt: &str) -> String {
    match (last.is_empty(), prompt.is_empty()) {
        (true, true) => "the console is silent".to_owned(),
        (true, false) => format!("the console says `{prompt}`"),
        (false, _) => format!("the last line on the console was `{last}`"),
    }
}

/// The end of a text without what terminals do not show.
fn readable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let shown: Vec<char> = text.chars().filter(|c| !c.is_control()).collect();
    let end = shown.get(shown.len().saturating_sub(LONGEST)..);
    let end: String = end.unwrap_or_default().iter().collect();
    end.trim().to_owned()
}

/// The character that makes a shell forget an unfinished line (`stty kill`).
const CLEAR_LINE: &[u8] = b"\x15";

/// The longest time that the program may take to answer.
const GREETING: Duration = Duration::from_secs(20);

/// Ticks after which a console would have echoed what is typed.
const MUTE: u32 = 6;

/// Characters of the console that a message shows.
const LONGEST: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_what_was_on_the_console() {
        let mut last = String::new();
        note(b"~ # /x/node console /s", "/x/node console /s", &mut last);
        note(b"#>AAAA", "/x/node console /s", &mut last);
        assert_eq!(describe(&last, ""), "the console is silent");
        assert_eq!(describe(&last, "login:"), "the console says `login:`");
        note(
            b"\x1b[6nsh: /x/node: not found\r",
            "/x/node console /s",
            &mut last,
        );
        assert!(describe(&last, "~ #").contains("sh: /x/node: not found`"));
    }
}
