//! Executes `docs/TOUR.md`: runs every command of its console blocks against a server and compares every answer.

use std::{fmt::Write as _, path::Path};

use contract_tests::{Server, Shell};

/// A command of the document and the answer that the document shows.
#[derive(Debug)]
struct Typed {
    line: usize,
    command: String,
    printed: String,
}

/// Collects the commands in the ```` ```console ```` blocks of a document.
fn typed(document: &str) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    let (mut inside, mut continued) = (false, false);
    for (index, text) in document.lines().enumerate() {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if inside {
            match (text.strip_prefix("$ "), found.last_mut()) {
                (_, Some(last)) if continued => {
                    last.command.extend(["\n", text]);
                }
                (Some(command), _) => {
                    let command = command.to_owned();
                    found.push(Typed { line: index + 1, command, printed: String::new() });
                }
                (None, Some(last)) => {
                    last.printed.extend([text, "\n"]);
                    continue;
                }
                (None, None) => panic!("line {}: an answer without a command", index + 1),
            }
            continued = found.last().is_some_and(|typed| goes_on(&typed.command));
        }
    }
    found
}

/// Tells whether a command continues on the next line: a quote is open, or the line ends with a backslash.
fn goes_on(command: &str) -> bool {
    command.matches('\'').count() % 2 == 1 || command.ends_with('\\')
}

/// Tells whether an answer is the one of the document, in which `…` stands for any text.
fn matches(document: &str, answer: &str) -> bool {
    let Some((head, rest)) = document.split_once('…') else { return document == answer };
    answer.strip_prefix(head).is_some_and(|answer| {
        answer.char_indices().skip(1).any(|(at, _)| answer.get(at..).is_some_and(|tail| matches(rest, tail)))
            || (rest.is_empty() && !answer.is_empty())
    })
}

#[tokio::test]
async fn every_answer_of_the_tour_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TOUR.md");
    let document = std::fs::read_to_string(&file).expect("docs/TOUR.md");
    let typed = typed(&document);
    assert!(typed.len() > 30, "the console blocks are not found");

    // The configuration that the document tells its reader to start with.
    let server =
        Server::configured(&[("media.bizid", "1000".into()), ("callback.key", "tour-callback-key".into())])
            .await;
    let mut shell = Shell::new(server.client(), 1_700_000_000);
    let mut stale = String::new();
    for Typed { line, command, printed } in &typed {
        let answer =
            shell.run(command).await.unwrap_or_else(|error| panic!("line {line}: {command}\n{error:#}"));
        let printed = printed.trim_end();
        if !matches(printed, &answer) {
            let _ =
                write!(stale, "\nline {line}: $ {command}\n  document: {printed}\n  answer:   {answer}\n");
        }
    }
    assert!(stale.is_empty(), "docs/TOUR.md is stale:\n{stale}");
}

#[test]
fn console_blocks_are_read_as_commands_and_answers() {
    let typed = typed("```sh\n$ no\n```\n```console\n$ a 'b\n  c' \\\n d\n1\n2\n$ e\n```\n$ no\n");
    let typed: Vec<_> = typed.iter().map(|typed| (&*typed.command, &*typed.printed)).collect();
    assert_eq!(typed, [("a 'b\n  c' \\\n d", "1\n2\n"), ("e", "")]);
    assert!(matches("a…c", "abbc") && matches("…", "x") && matches("x…", "xyz") && matches("", ""));
    assert!(!matches("a…c", "ac") && !matches("a", "ab") && !matches("…", ""));
}
