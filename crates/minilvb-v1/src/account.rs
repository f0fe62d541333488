//! Reports about users: `ReportUser`.

use relive_core::UserId;

use crate::{code::Refusal, envelope::Done, fields::Fields, identity::Context};

/// Request of `ReportUser`: `userid` reports `hostuserid`.
pub(crate) struct ReportUser {
    reporter: UserId,
    host: UserId,
}

impl<'a> TryFrom<Fields<'a>> for ReportUser {
    type Error = Refusal;

    fn try_from(fields: Fields<'a>) -> Result<Self, Refusal> {
        Ok(Self { reporter: fields.user_id("userid")?, host: fields.user_id("hostuserid")? })
    }
}

/// Stores the report for the operator. (The original server deleted the data of the reporter.)
pub(crate) async fn report(cx: &Context<'_>, request: ReportUser) -> Result<Done, Refusal> {
    let reporter = cx.actor(&request.reporter).await?;
    cx.core.accounts().report(reporter, &request.host).await?;
    Ok(Done)
}
