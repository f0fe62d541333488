//! Interprets the small part of a shell that executing a document needs: variables, pipes, and six commands. Every line
//! it accepts means the same to a real shell.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use relive_core::sign::digest::md5_hex;
use serde_json::Value;

use crate::Client;

/// The address of the server in documents.
const BASE: &str = "http://127.0.0.1:8080";

/// A shell whose `curl` sends to one server and whose `date` prints the time of that server.
#[derive(Debug)]
pub struct Shell {
    client: Client,
    now: i64,
    variables: BTreeMap<String, String>,
}

impl Shell {
    /// A shell without any variable.
    pub fn new(client: Client, now: i64) -> Self {
        Self { client, now, variables: BTreeMap::new() }
    }

    /// Runs a line and returns what it prints, without the last line end.
    ///
    /// # Errors
    /// If this shell does not know the command, and if a request gets no answer.
    pub async fn run(&mut self, line: &str) -> Result<String> {
        let Some((name, value)) = assignment(line) else {
            return self.pipeline(line).await;
        };
        let value = match value.strip_prefix("$(").filter(|rest| !rest.starts_with('(')) {
            Some(command) => self.pipeline(command.strip_suffix(')').context("no closing bracket")?).await?,
            None => shell_words::split(&self.expand(value)?)?.concat(),
        };
        // Variables are replaced before the line is split into words, so the value must be a single word.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+*=?&|".contains(&byte);
        ensure!(!value.is_empty() && value.bytes().all(plain), "{name} would be {value:?}");
        self.variables.insert(name.to_owned(), value);
        Ok(String::new())
    }

    /// Replaces variables and sums in a line, except between single quotes.
    fn expand(&self, line: &str) -> Result<String> {
        let mut expanded = String::new();
        let (mut single, mut double) = (false, false);
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            let after = rest.split_at(character.len_utf8()).1;
            single ^= character == '\'' && !double;
            double ^= character == '"' && !single;
            let name_end =
                after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            if character != '$' || single {
                expanded.push(character);
                rest = after;
            } else if let Some(sum) = after.strip_prefix("((") {
                let (sum, after) = sum.split_once("))").context("no closing brackets")?;
                expanded += &self.sum(sum)?.to_string();
                rest = after;
            } else {
                let (name, after) = after.split_at(name_end);
                expanded += self.variables.get(name).with_context(|| format!("no variable {name:?}"))?;
                rest = after;
            }
        }
        Ok(expanded)
    }

    fn sum(&self, text: &str) -> Result<i64> {
        let (mut sum, mut sign) = (0, 1);
        for word in text.split_whitespace() {
            match word {
                "+" => sign = 1,
                "-" => sign = -1,
                word => {
                    let number = self.variables.get(word).map_or(word, String::as_str);
                    sum += sign * number.parse::<i64>().with_context(|| format!("{word:?} is no number"))?;
                }
            }
        }
        Ok(sum)
    }

    async fn pipeline(&self, line: &str) -> Result<String> {
        let words = shell_words::split(&self.expand(line)?)?;
        let mut piped = String::new();
        for command in words.split(|word| word == "|") {
            let (name, arguments) = command.split_first().context("an empty command")?;
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            piped = match (name.as_str(), arguments.as_slice()) {
                ("curl", arguments) => self.curl(arguments).await?,
                ("jq", ["-r", filter]) => jq(&piped, filter)?,
                ("printf", ["%s", text]) => (*text).to_owned(),
                ("md5sum", []) => format!("{}  -", md5_hex(&piped)),
                ("cut", ["-c1-32"]) => piped.chars().take(32).collect(),
                ("date", ["+%s"]) => self.now.to_string(),
                (name, arguments) => bail!("{name} {arguments:?} is more than this shell can do"),
            };
        }
        Ok(piped)
    }

    async fn curl(&self, arguments: &[&str]) -> Result<String> {
        let (mut method, mut headers, mut body, mut url) = (None, Vec::new(), None, None);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match *argument {
                "-s" => {}
                "-X" => method = Some(value()?.parse::<Method>()?),
                "-d" => body = Some(*value()?),
                "-H" => {
                    let (name, text) = value()?.split_once(':').context("no colon in a header")?;
                    headers.push((name.to_owned(), text.trim().to_owned()));
                }
                argument if !argument.starts_with('-') && url.is_none() => url = Some(argument),
                argument => bail!("{argument:?} is more than this curl can do"),
            }
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        let method = method.unwrap_or(if body.is_some() { Method::POST } else { Method::GET });
        let url = url.context("no address")?;
        let path = url.strip_prefix(BASE).with_context(|| format!("{url} is not at {BASE}"))?;
        let answer =
            self.client.send(method, path, &headers, body.unwrap_or_default().as_bytes().to_vec()).await?;
        Ok(String::from_utf8(answer.body.to_vec())?)
    }
}

/// Splits a line like `NAME=value` into name and value.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let letters = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit());
    (letters && !name.is_empty()).then_some((name, value))
}

/// Runs `jq -r` with a filter that is only a path, such as `.data.rooms[0].uid`.
fn jq(text: &str, filter: &str) -> Result<String> {
    let pointer = filter.replace('[', "/").replace(']', "").replace('.', "/");
    let value: Value = serde_json::from_str(text).with_context(|| format!("{text} is no JSON"))?;
    let value = value.pointer(&pointer).with_context(|| format!("nothing at {filter} in {text}"))?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn commands_print_what_a_real_shell_prints() {
        let mut shell = Shell::new(Client::new(([127, 0, 0, 1], 1).into()), 1000);
        let answers = [
            ("NOW=$(date +%s)", ""),
            ("T=$((NOW + 600 - 1))", ""),
            (r#"printf %s '{"now":'$NOW',"t":"$T"}'"#, r#"{"now":1000,"t":"$T"}"#),
            (r#"printf %s "$T $((NOW - 1))""#, "1599 999"),
            ("SIGN=$(printf %s \"S3cr$T\" | md5sum | cut -c1-32)", ""),
            ("printf %s $SIGN", &md5_hex("S3cr1599")),
            (r#"printf %s '{"a":[{"b":7},{"b":"x"}]}' | jq -r .a[1].b"#, "x"),
        ];
        for (line, printed) in answers {
            assert_eq!(shell.run(line).await.unwrap(), printed, "{line}");
        }
        for line in ["printf %s $NONE", "curl http://elsewhere.example/", "rm -r x", "X=$(printf %s 'a b')"] {
            assert!(shell.run(line).await.is_err(), "{line}");
        }
    }
}
