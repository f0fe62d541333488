//! Rewrites the expected reply of a step to the answer of the server.
//!
//! Values that still fit keep their text, placeholders included; only a value that differs is replaced.

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    Answer,
    case::Reply,
    json::{Parts, spaced},
    template::{Scope, agreeing_ends},
};

/// Returns the text of a step with the expected reply rewritten to an answer.
///
/// # Errors
/// If the text is no step.
pub(crate) fn step(text: &str, answer: &Answer, scope: &Scope) -> Result<String> {
    let mut step = Parts::of(text)?;
    let old = step.member("reply").unwrap_or("{}");
    let new = reply(old, answer, scope)?;
    if let Some(at) = step.position("reply") {
        step.replace(at, new);
    } else if new != old {
        let behind = step.position("request").map_or(0, |at| at + 1);
        step.insert(behind, Some("reply"), new);
    }
    Ok(step.to_string())
}

fn reply(text: &str, answer: &Answer, scope: &Scope) -> Result<String> {
    let expected: Reply = serde_json::from_str(text)?;
    let writer = Writer { scope, padded: text.contains("{ \"") };
    let mut parts = Parts::of(text)?;
    if answer.status.as_u16() != expected.status() {
        set(&mut parts, "status", "status", answer.status.as_str().to_owned());
    }
    if let Some(at) = parts.position("headers") {
        let headers = writer.headers(parts.value(at).unwrap_or_default(), answer)?;
        parts.replace(at, headers);
    }
    let text = std::str::from_utf8(&answer.body);
    let raw = || match text {
        Ok(text) => ("raw", Value::from(text).to_string()),
        Err(_) => ("base64", Value::from(STANDARD.encode(&answer.body)).to_string()),
    };
    if expected.body.is_some() {
        let old = parts.member("body").context("no body")?;
        let (name, new) = match text {
            Ok(json) if serde_json::from_str::<Value>(json).is_ok() => {
                ("body", writer.value(old, json.trim_ascii())?)
            }
            _ => raw(),
        };
        set(&mut parts, "body", name, new);
    }
    if expected.raw.is_some_and(|expected| scope.text(&expected).as_bytes() != answer.body) {
        let (name, new) = raw();
        set(&mut parts, "raw", name, new);
    }
    if let Some(expected) = expected.base64
        && STANDARD.decode(expected)? != answer.body
    {
        let new = Value::from(STANDARD.encode(&answer.body)).to_string();
        set(&mut parts, "base64", "base64", new);
    }
    Ok(parts.to_string())
}

/// Replaces the member `old` by the member `new`; inserts it in front if there is no such member.
fn set(parts: &mut Parts, old: &str, new: &str, value: String) {
    match parts.position(old) {
        Some(at) if old == new => parts.replace(at, value),
        at => {
            let at = at.inspect(|at| parts.remove(*at)).unwrap_or(0);
            parts.insert(at, Some(new), value);
        }
    }
}

/// Writes values into the reply of one step.
struct Writer<'a> {
    scope: &'a Scope,
    /// Whether the file has spaces inside braces.
    padded: bool,
}

impl Writer<'_> {
    /// Rewrites the text of the expected headers, and removes those that the answer does not have.
    fn headers(&self, old: &str, answer: &Answer) -> Result<String> {
        let mut parts = Parts::of(old)?;
        for name in parts.names() {
            let Some(at) = parts.position(&name) else { continue };
            match (parts.value(at), answer.header(&name)) {
                (Some(old), Some(new)) => {
                    let value = self.value(old, &Value::from(new).to_string())?;
                    parts.replace(at, value);
                }
                _ => parts.remove(at),
            }
        }
        Ok(parts.to_string())
    }

    /// Rewrites the text of an expected value to the received JSON text.
    fn value(&self, old: &str, new: &str) -> Result<String> {
        let (expected, got): (Value, Value) = (serde_json::from_str(old)?, serde_json::from_str(new)?);
        if self.scope.agrees(&expected, &got) {
            return Ok(old.to_owned());
        }
        match (&expected, &got) {
            (Value::Object(members), Value::Object(_)) => {
                let open = members.get("...") == Some(&Value::Bool(true));
                self.object(old, new, open)
            }
            (Value::Array(items), Value::Array(others)) => {
                self.list(old, new, agreeing_ends(self.scope, items, others))
            }
            _ => Ok(spaced(new, self.padded)),
        }
    }

    /// Rewrites the text of an object member by member. `open`: the object may have members that are not expected.
    fn object(&self, old: &str, new: &str, open: bool) -> Result<String> {
        let (mut parts, got) = (Parts::of(old)?, Parts::of(new)?);
        for name in parts.names().into_iter().filter(|name| name != "...") {
            let Some(at) = parts.position(&name) else { continue };
            match (parts.value(at), got.member(&name)) {
                (Some(old), Some(new)) => {
                    let value = self.value(old, new)?;
                    parts.replace(at, value);
                }
                _ => parts.remove(at),
            }
        }
        if !open {
            let mut place = 0;
            for name in got.names() {
                match (parts.position(&name), got.member(&name)) {
                    (None, Some(value)) => parts.insert(place, Some(&name), spaced(value, self.padded)),
                    (Some(at), _) => place = at,
                    (None, None) => {}
                }
                place += 1;
            }
        }
        Ok(parts.to_string())
    }

    /// Rewrites the text of a list. `ends`: how many elements at the start and at the end of both lists agree; the
    /// elements between them are rewritten in pairs.
    fn list(&self, old: &str, new: &str, ends: (usize, usize)) -> Result<String> {
        let (mut parts, got) = (Parts::of(old)?, Parts::of(new)?);
        let (start, end) = ends;
        let stop = got.len() - end;
        for at in start..stop {
            let new = got.value(at).context("no such element")?;
            match parts.value(at) {
                Some(old) if at < parts.len() - end => {
                    let value = self.value(old, new)?;
                    parts.replace(at, value);
                }
                _ => parts.insert(at, None, spaced(new, self.padded)),
            }
        }
        while parts.len() > got.len() {
            parts.remove(stop);
        }
        Ok(parts.to_string())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use relive_core::UnixSeconds;
    use serde_json::json;

    use super::*;
    use crate::case::Step;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = [("x-a".parse().unwrap(), "1".parse().unwrap())];
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter(headers),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn scope() -> Scope {
        let mut scope = Scope { now: UnixSeconds(1000), ..Scope::default() };
        scope.saved.insert("room".to_owned(), json!(7));
        scope
    }

    /// Rewrites a step; checks that the answer fits the result and that a second rewriting changes nothing.
    fn rewritten(text: &str, answer: &Answer) -> String {
        let new = step(text, answer, &scope()).unwrap();
        let read: Step = serde_json::from_str(&new).unwrap();
        assert_eq!(read.reply.differences(answer, &scope()).unwrap(), <[String; 0]>::default(), "{new}");
        assert_eq!(step(&new, answer, &scope()).unwrap(), new, "the second rewriting");
        new
    }

    /// Rewrites a step that expects that body; returns the rewritten body.
    fn body(expected: &str, got: &str) -> String {
        let new = rewritten(
            &format!(r#"{{"request": {{"path": "/"}}, "reply": {{"body": {expected}}}}}"#),
            &answer(200, got),
        );
        let front = r#"{"request": {"path": "/"}, "reply": {"body": "#;
        new.strip_prefix(front).and_then(|rest| rest.strip_suffix("}}")).expect(&new).to_owned()
    }

    #[test]
    fn placeholders_that_still_fit_are_kept() {
        let expected = r#"{"id": "${hex32}", "at": "${now+5}", "room": "${room}", "n": 1, "t": "${string}"}"#;
        let got = r#"{"id":"0123456789abcdef0123456789abcdef","at":1005,"room":8,"n":2,"t":"x"}"#;
        let new = r#"{"id": "${hex32}", "at": "${now+5}", "room": 8, "n": 2, "t": "${string}"}"#;
        assert_eq!(body(expected, got), new);
        assert_eq!(body(expected, &got.replace(':', " : ").replace('8', "7").replace('2', "1")), expected);
    }

    #[test]
    fn a_reply_that_fits_is_not_touched() {
        for text in [
            r#"{"request": {"path": "/"}}"#,
            "{ \"request\":{\"path\":\"/\"},\n\"reply\" : { \"body\": {\"...\":true,\n \"n\": 1}, \"headers\": {\"x-a\": \"1\"} } }",
        ] {
            assert_eq!(rewritten(text, &answer(200, r#"{"n":1,"m":2}"#)), text);
        }
    }

    #[test]
    fn members_come_and_go_where_the_answer_has_them() {
        assert_eq!(
            body(r#"{"a": 1, "b": 2}"#, r#"{"n":{"x":"y, z"},"a":1,"m":[],"b":3,"l":0}"#),
            r#"{"n": {"x": "y, z"}, "a": 1, "m": [], "b": 3, "l": 0}"#
        );
        assert_eq!(body(r#"{"a": 1, "b": 2}"#, r#"{"b":2}"#), r#"{"b": 2}"#);
        assert_eq!(body(r#"{"a": 1, "...": true}"#, r#"{"c":1,"a":2}"#), r#"{"a": 2, "...": true}"#);
        assert_eq!(body(r#"{"a": 1, "...": true}"#, r#"{"c":1}"#), r#"{"...": true}"#);
    }

    #[test]
    fn elements_of_a_list_are_changed_one_by_one() {
        let element = r#"{"id": "a", "at": "${integer}"}"#;
        let list = format!("[{element}, {}]", element.replace("\"a\"", "\"b\""));
        assert_eq!(body(&list, r#"[{"id":"b","at":2}]"#), format!("[{}]", element.replace("\"a\"", "\"b\"")));
        assert_eq!(
            body(&list, r#"[{"id":"n","at":0},{"id":"a","at":1},{"id":"b","at":2}]"#),
            list.replacen('[', r#"[{"id": "n", "at": 0}, "#, 1)
        );
        assert_eq!(
            body(&list, r#"[{"id":"c","at":1},{"id":"b","at":2}]"#),
            list.replacen("\"a\"", "\"c\"", 1)
        );
        assert_eq!(body(&list, "[]"), "[]");
        assert_eq!(body("[]", "[1,2]"), "[1, 2]");
        assert_eq!(body("[1, 2, 3, 4]", "[1,4]"), "[1, 4]");
    }

    #[test]
    fn the_way_a_file_is_broken_into_lines_is_kept() {
        let text = "{\n  \"request\": {\"path\": \"/\"},\n  \"reply\": {\n    \"body\": {\n      \"a\": 1,\n      \"b\": { \"c\": 2 }\n    }\n  }\n}";
        let new = text.replace("2 }", "{ \"d\": 3 } }").replace("\"a\": 1,", "\"a\": 1,\n      \"n\": 4,");
        assert_eq!(rewritten(text, &answer(200, r#"{"a":1,"n":4,"b":{"c":{"d":3}}}"#)), new);
    }

    #[test]
    fn status_and_headers_are_rewritten() {
        let step = |reply: &str| format!(r#"{{"request": {{"path": "/"}}{reply}, "save": {{}}}}"#);
        assert_eq!(rewritten(&step(""), &answer(404, "")), step(r#", "reply": {"status": 404}"#));
        let headers = r#", "reply": {"headers": {"x-a": "2", "x-b": "1"}}"#;
        assert_eq!(
            rewritten(&step(headers), &answer(404, "")),
            step(r#", "reply": {"status": 404, "headers": {"x-a": "1"}}"#)
        );
        let status = r#", "reply": {"status": 404, "headers": {"x-a": "${match:*}"}}"#;
        assert_eq!(rewritten(&step(status), &answer(200, "")), step(&status.replace("404", "200")));
    }

    #[test]
    fn a_body_that_is_no_json_is_written_as_text_or_bytes() {
        assert_eq!(
            rewritten(r#"{"request": {"path": "/"}, "reply": {"body": {"a": 1}}}"#, &answer(200, "a\"b")),
            r#"{"request": {"path": "/"}, "reply": {"raw": "a\"b"}}"#
        );
        let bytes = Answer { body: Bytes::from_static(b"\xff"), ..answer(200, "") };
        for old in [r#""raw": "x""#, r#""base64": "AA==""#, r#""body": 1"#] {
            let text = format!(r#"{{"request": {{"path": "/"}}, "reply": {{{old}}}}}"#);
            assert_eq!(rewritten(&text, &bytes), text.replace(old, r#""base64": "/w==""#));
        }
        let text = r#"{"request": {"path": "/"}, "reply": {"raw": "room ${room}"}}"#;
        assert_eq!(rewritten(text, &answer(200, "room 7")), text);
        assert_eq!(rewritten(text, &answer(200, "room 8")), text.replace("${room}", "8"));
    }
}
