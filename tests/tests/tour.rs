//! Executes `docs/TOUR.md`: every line of its console blocks is sent to a server, every answer compared.

use std::{fmt::Write as _, path::Path};

use contract_tests::{Server, Shell};

/// A line that was typed, and what the document says it prints.
#[derive(Debug)]
struct Typed {
    line: usize,
    command: String,
    printed: String,
}

/// Everything typed in the ```` ```console ```` blocks of a document.
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
                (None, None) => panic!("line {}: an answer to nothing", index + 1),
            }
            continued = found.last().is_some_and(|typed| goes_on(&typed.command));
        }
    }
    found
}

/// Whether a command needs another line: its last quote is open, or it ends with a backslash.
fn goes_on(command: &str) -> bool {
    command.matches('\'').count() % 2 == 1 || command.ends_with('\\')
}

/// Whether an answer is the one of the document, where `…` stands for any text.
fn matches(document: &str, answer: &str) -> bool {
    let Some((head, rest)) = document.split_once('…') else { return document == answer };
    answer.strip_prefix(head).is_some_and(|answer| {
        answer.char_indices().skip(1).any(|(at, _)| answer.get(at..).is_some_and(|tail| matches(rest, tail)))
            || (rest.is_empty() && !answer.is_empty())
    })
}

#[tokio::test]
async fn the_tour_is_true() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TOUR.md");
    let document = std::fs::read_to_string(&file).expect("docs/TOUR.md");
    let typed = typed(&document);
    assert!(typed.len() > 30, "the console blocks are not found");

    // What the document tells its reader to start.
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
fn documents_are_read_as_they_are_shown() {
    let typed = typed("```sh\n$ no\n```\n```console\n$ a 'b\n  c' \\\n d\n1\n2\n$ e\n```\n$ no\n");
    let typed: Vec<_> = typed.iter().map(|typed| (&*typed.command, &*typed.printed)).collect();
    assert_eq!(typed, [("a 'b\n  c' \\\n d", "1\n2\n"), ("e", "")]);
    assert!(matches("a…c", "abbc") && matches("…", "x") && matches("x…", "xyz") && matches("", ""));
    assert!(!matches("a…c", "ac") && !matches("a", "ab") && !matches("…", ""));
}
