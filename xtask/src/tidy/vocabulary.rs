//! The core's vocabulary: no dialect's field names, no dialect's error numbers.

use super::{Finding, Repository};
use crate::rust::{Kind, Token, Tokens, is_test_file, plain_string};

/// Names that exist on the wire of one dialect or another, and in no other language.
const WIRE_NAMES: &[&str] = &[
    // minilvb-v1
    "returnValue",
    "returnMsg",
    "returnData",
    "pusherlist",
    "pusherinfo",
    "liveuserid",
    "viewercount",
    "likecount",
    "totalcount",
    "pageno",
    "pagesize",
    "optype",
    "headpic",
    // minilvb-v2
    "cos_info",
    "signKey",
    "keyTime",
    // sxb
    "svc",
    "cmd",
    "errorCode",
    "errorInfo",
    "errInfo",
    "roomnum",
    "roomidlist",
    "memsize",
    "thumbup",
    "timeStamp",
    "privMap",
    "userSig",
    "videoId",
    "sdkAppID",
    "accountType",
    // roomservice
    "roomID",
    "roomInfo",
    "roomCreator",
    "pushURL",
    "accelerateURL",
    "mixedPlayURL",
    "audienceCount",
    "roomStatusCode",
    "customInfo",
    "praise",
    // qplus
    "sessionId",
    "liveRoomId",
    "liveroomId",
    "liveRoomName",
    "liveRoomTopic",
    "liveRoomDesc",
    "liveRoomAnchorPwd",
    "liveRoomAssistPwd",
    "liveRoomUserPwd",
    "nickName",
    "headPic",
    "headPicId",
    "anchorName",
    "anchorAccount",
    "playerCount",
    "followCount",
    "isFollow",
    "isPlay",
    "playRtmpUrl",
    "playHlsUrl",
    "playFlvUrl",
    "authCode",
];

/// Error numbers too odd to mean anything else. The small ones (400, 500, 1000) are ordinary numbers, too.
const ERROR_NUMBERS: &[u32] = &[
    498, 602, 612, 4001, 4002, 4003, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010,
    10100, 10101, 10102, 10103, 10104, 10105, 10106, 10200, 10201, 10202, 10203, 10204, 10300, 20001, 20002,
    90000,
];

/// Signatures are made for clients of one dialect or another, so what tests them may quote its words.
fn tests_signatures(path: &str, token: &Token) -> bool {
    let Some(file) = path.strip_prefix("crates/core/src/sign/") else { return false };
    token.test_only || is_test_file(path) || file.starts_with("vectors")
}

/// The core's sources name no wire field and no wire error.
pub(super) fn domain_words(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.tree.with_extension("rs") {
        if !path.starts_with("crates/core/src/") {
            continue;
        }
        for token in Tokens::of(text).iter().flat_map(Tokens::iter) {
            if tests_signatures(path, token) {
                continue;
            }
            if let Some(word) = wire_name(token) {
                findings.push(Finding::new(path, token.line, format!("`{word}` is a name of the wire")));
            }
            if let Some(number) = error_number(token).filter(|_| !token.test_only) {
                findings.push(Finding::new(
                    path,
                    token.line,
                    format!("{number} is an error number of the wire"),
                ));
            }
        }
    }
    findings
}

fn wire_name(token: &Token) -> Option<&'static str> {
    let mut words = token.text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.find_map(|word| WIRE_NAMES.iter().copied().find(|name| *name == word))
}

fn error_number(token: &Token) -> Option<u32> {
    if token.kind != Kind::Literal || plain_string(&token.text).is_some() {
        return None;
    }
    let digits: String = token.text.chars().filter(|letter| *letter != '_').collect();
    let number =
        digits.trim_end_matches("i64").trim_end_matches("i32").trim_end_matches("u32").parse().ok()?;
    ERROR_NUMBERS.contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        domain_words(&Repository::from([(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn wire_names_are_found_in_names_and_in_strings() {
        let text =
            "fn a(roomnum: i64) {}\nconst B: &str = \"{\\\"errorCode\\\":0}\";\nlet c = r#\"svc=live\"#;";
        assert_eq!(lines("crates/core/src/room.rs", text), [1, 2, 3]);
        assert_eq!(lines("crates/sxb/src/room.rs", text), NONE);
    }

    #[test]
    fn comments_and_longer_words_are_free() {
        let text = "//! roomnum\n/// `errorCode`\nfn cmdline() { /* svc */ } // userSig\n";
        assert_eq!(lines("crates/core/src/room.rs", text), NONE);
    }

    #[test]
    fn test_data_of_signatures_is_free() {
        let test = "#[cfg(test)]\nmod tests { const A: &str = \"userSig\"; }\n";
        assert_eq!(lines("crates/core/src/sign/usersig.rs", test), NONE);
        assert_eq!(lines("crates/core/src/sign/usersig.rs", "const A: &str = \"userSig\";"), [1]);
        assert_eq!(lines("crates/core/src/sign/vectors/inputs.rs", "const A: &str = \"userSig\";"), NONE);
        assert_eq!(lines("crates/core/src/room.rs", test), [2]);
    }

    #[test]
    fn error_numbers_are_found_outside_tests() {
        assert_eq!(
            lines("crates/core/src/error.rs", "const A: i64 = 10_003;\nconst B: u32 = 90000u32;"),
            [1, 2]
        );
        assert_eq!(
            lines("crates/core/src/error.rs", "const A: i64 = 10_800;\n#[cfg(test)]\nmod t { 10003 }"),
            NONE
        );
    }
}
