//! Acting on what does not exist leaves nothing behind, in any dialect: a stranger could fill tables that no list leads to.

use contract_tests::{Server, dialect::list};
use serde_json::json;

#[tokio::test]
async fn a_stranger_leaves_no_row_behind_at_what_does_not_exist() {
    let server = Server::start().await;
    let client = server.client();
    let token = client.sxb_user("mei").await;
    client.v1("RequestLVBAddr", json!({"userid": "host", "groupid": "g", "title": "t"})).await;
    let core = &server.gateway().core;
    core.maintain().await.expect("maintenance");
    let rows = || {
        let mut rows = relive_core::database::rows(&core.config().database).expect("rows");
        // The last use of the caller's session, and the feed of changes, which upkeep cuts.
        rows.retain(|row| !row.starts_with("sessions: ") && !row.starts_with("changes: "));
        rows
    };
    let before = rows();
    for owner in ["host", "nobody"] {
        let group = json!({"userid": "stranger", "liveuserid": owner, "groupid": "file", "flag": 1});
        let names = json!({"userid": "stranger", "liveuserid": owner, "groupid": "file", "flag": 1, "nickname": "S",
            "headpic": ""});
        client.v1("EnterGroup", names).await;
        let page = json!({"liveuserid": owner, "groupid": "file", "pageno": 1, "pagesize": 20});
        let members = client.v1("FetchGroupMemberList", page).await;
        assert_eq!(list(&members, "/returnData/memberlist").len(), 0, "{members}");
        client.v1("QuitGroup", group.clone()).await;
        let mut live = group;
        live["flag"] = json!(0);
        client.v1("QuitGroup", live).await;
        for (kind, step) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let count = json!({"userid": owner, "type": kind, "optype": step, "flag": 1, "fileid": "file"});
            client.v1("ChangeCount", count).await;
        }
    }
    client.v1("ChangeCount", json!({"userid": "nobody", "type": 1, "optype": 0, "flag": 0})).await;
    client.v1("ReportUser", json!({"userid": "stranger", "hostuserid": "nobody"})).await;
    let enter = json!({"token": token, "id": "mei", "roomnum": 99_999, "role": 0, "operate": 0});
    client.try_sxb("live/reportmemid", enter).await;
    assert_eq!(rows(), before);
}
