//! The reports of runs that passed, failed, are incomplete or were skipped, and of one whose every
//! text is hostile.

use super::model::{Outcome, RunReport};
use super::read::{ReadError, read};
use super::text::{Colour, TextRenderer};
use super::{Format, problem, sample};

fn rendered(format: Format, report: &RunReport) -> String {
    String::from_utf8(format.render(report).unwrap()).unwrap()
}

fn console(report: &RunReport) -> String {
    let page = "runs/two-servers-20261121-030112/report.html";
    TextRenderer::default().whole(report, Some(page))
}

#[test]
fn the_console_tells_each_outcome() {
    insta::assert_snapshot!("console-passed", console(&sample::passed()));
    insta::assert_snapshot!("console-failed", console(&sample::failed()));
    insta::assert_snapshot!("console-incomplete", console(&sample::incomplete()));
    insta::assert_snapshot!("console-skipped", console(&sample::skipped()));
    insta::assert_snapshot!("console-taught", console(&sample::taught()));
}

#[test]
fn every_form_tells_each_command_and_what_came_of_it() {
    let report = sample::conversed();
    insta::assert_snapshot!("console-conversed", console(&report));
    insta::assert_snapshot!("markdown-conversed", rendered(Format::Markdown, &report));
    insta::assert_snapshot!("junit-conversed", rendered(Format::Junit, &report));
    let html = rendered(Format::Html, &report);
    for told in [
        "<summary>Commands: model thread</summary>",
        "ERROR: b.txt does not exist",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    assert_eq!(
        read(rendered(Format::Json, &report).as_bytes()).unwrap(),
        report
    );
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = sample::failed();
    let console = TextRenderer {
        colour: Colour::Always,
    };
    let coloured = console.whole(&report, None);
    let mut pieces = coloured.split("\u{1b}[");
    let first = pieces.next().unwrap();
    let rest = pieces.map(|piece| piece.split_once('m').unwrap().1);
    let plain: String = std::iter::once(first).chain(rest).collect();
    assert_ne!(coloured, plain);
    assert_eq!(plain, TextRenderer::default().whole(&report, None));
}

#[test]
fn markdown_tells_the_verdict_first() {
    insta::assert_snapshot!(
        "markdown-passed",
        rendered(Format::Markdown, &sample::passed())
    );
    insta::assert_snapshot!(
        "markdown-failed",
        rendered(Format::Markdown, &sample::failed())
    );
}

#[test]
fn junit_has_a_case_for_all_that_was_verified() {
    insta::assert_snapshot!("junit-passed", rendered(Format::Junit, &sample::passed()));
    insta::assert_snapshot!("junit-failed", rendered(Format::Junit, &sample::failed()));
    insta::assert_snapshot!("junit-skipped", rendered(Format::Junit, &sample::skipped()));
    insta::assert_snapshot!("junit-taught", rendered(Format::Junit, &sample::taught()));
}

#[test]
fn junit_names_no_two_cases_alike() {
    let mut report = sample::conversed();
    let cell = &mut report.scenarios[0].cells[0];
    let (get, file) = (cell.steps[2].clone(), cell.files[0].clone());
    cell.steps.extend([get.clone(), get]);
    cell.files.push(file);
    let junit = rendered(Format::Junit, &report);
    let cases = junit.split("<testcase name=\"").skip(1);
    let mut names: Vec<&str> = cases.filter_map(|case| case.split('"').next()).collect();
    for name in [
        "command GET a.txt (model thread)",
        "command GET a.txt (model thread) #2",
        "command GET a.txt (model thread) #3",
        "file asteroid.png at server (model thread) #2",
        "command GET a.txt (model process)",
    ] {
        assert!(names.contains(&name), "{name}: {junit}");
    }
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{junit}");
}

#[test]
fn json_reads_back_whatever_later_versions_add() {
    for report in [sample::passed(), sample::failed(), sample::hostile()] {
        let json = rendered(Format::Json, &report);
        assert_eq!(read(json.as_bytes()).unwrap(), report);
        let later = json.replacen('{', "{\"races\": [{\"a\": 1}],", 1);
        assert_eq!(read(later.as_bytes()).unwrap(), report);
    }
}

#[test]
fn what_is_no_report_is_told_so() {
    let error = read(b"{\"schema\": 2}").unwrap_err();
    assert!(matches!(error, ReadError::Schema { found: 2 }), "{error}");
    for bytes in [&b""[..], b"[]", b"{}", b"{\"schema\": 1}", b"\xff"] {
        let error = read(bytes).unwrap_err();
        assert!(
            error.to_string().starts_with("this is no report.json"),
            "{error}"
        );
    }
}

#[test]
fn problems_come_worst_first() {
    let mut report = sample::failed();
    report.scenarios[1].outcome = Outcome::Error;
    report.scenarios[1].reason = Some("alpine-3's agent is gone".to_owned());
    let outcomes: Vec<_> = problem::problems(&report)
        .iter()
        .map(|p| p.outcome)
        .collect();
    assert_eq!(outcomes[0], Outcome::Error);
    assert!(outcomes.is_sorted_by(|a, b| a >= b), "{outcomes:?}");
}

#[test]
fn hostile_texts_stay_texts() {
    let report = sample::hostile();
    let text = console(&report);
    assert!(!text.contains(['\u{1b}', '\0']), "{text}");

    let markdown = rendered(Format::Markdown, &report);
    let outside: Vec<&str> = markdown.split("````").step_by(2).collect();
    assert!(!outside.concat().contains("<script"), "{markdown}");

    let junit = rendered(Format::Junit, &report);
    assert!(!junit.contains("<script"), "{junit}");
    assert!(
        !junit.contains(|c: char| c.is_control() && c != '\n'),
        "{junit}"
    );

    let html = rendered(Format::Html, &report);
    assert!(
        !html.contains("<script") && !html.contains("<svg"),
        "{html}"
    );
    assert!(
        !html.contains(|c: char| c.is_control() && c != '\n'),
        "{html}"
    );
}

#[test]
fn the_page_refers_to_nothing_outside() {
    for report in [sample::passed(), sample::failed(), sample::skipped()] {
        let html = rendered(Format::Html, &report);
        for outside in [
            "src=\"http",
            "href=\"http",
            "url(",
            "@import",
            "<link",
            "<script",
        ] {
            assert!(!html.contains(outside), "{outside}");
        }
        let verdict = html.find("class=\"verdict").unwrap();
        let table = html.find("<table").unwrap_or(usize::MAX);
        assert!(verdict < table);
    }
}
