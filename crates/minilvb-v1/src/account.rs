//! Accounts, as far as this dialect knows any.

use std::borrow::Cow;

use crate::{
    code::Refusal,
    envelope::Done,
    fields::{Fields, USER_ID},
    identity::Context,
};

/// `ReportUser`: `userid` reports `hostuserid`.
pub(crate) struct ReportUser<'a> {
    reporter: Cow<'a, str>,
    host: Cow<'a, str>,
}

impl<'a> TryFrom<Fields<'a>> for ReportUser<'a> {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self {
            reporter: fields.required("userid", USER_ID)?,
            host: fields.required("hostuserid", USER_ID)?,
        })
    }
}

/// Keeps the report for the operator. (The original deleted what the reporter owned.)
pub(crate) async fn report(cx: &Context<'_>, request: ReportUser<'_>) -> Result<Done, Refusal> {
    let reporter = cx.actor(&request.reporter).await?;
    cx.core.accounts().report(reporter, &request.host).await?;
    Ok(Done)
}
