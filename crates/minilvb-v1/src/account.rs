//! Reports about users: `ReportUser`.

use std::borrow::Cow;

use crate::{
    code::Refusal,
    envelope::Done,
    fields::{Fields, USER_ID},
    identity::Context,
};

/// Request of `ReportUser`: `userid` reports `hostuserid`.
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

/// Stores the report for the operator. (The original server deleted the data of the reporter.)
pub(crate) async fn report(cx: &Context<'_>, request: ReportUser<'_>) -> Result<Done, Refusal> {
    let reporter = cx.actor(&request.reporter).await?;
    cx.core.accounts().report(reporter, &request.host).await?;
    Ok(Done)
}
