//! Request of `getassociations`: `<association domain="…" type="MEMBER" maxResults="…"/>`.

use super::attribute::MAX_RESULTS;
use crate::decode::{Fields, Read};
use crate::xml::Writer;
use crate::{AssociationRole, Command};

pub(crate) const ELEMENT: &str = "association";

pub(crate) fn write_request(out: &mut Writer, domain: &str, role: AssociationRole, limit: Option<u32>) {
    out.start(ELEMENT);
    out.attribute("domain", domain);
    out.attribute(
        "type",
        match role {
            AssociationRole::Member => "MEMBER",
            AssociationRole::Manager => "MANAGER",
        },
    );
    if let Some(limit) = limit {
        out.number(MAX_RESULTS, limit);
    }
    out.empty();
}

/// A role that is neither word is one this vocabulary does not have: the command is unknown.
pub(crate) fn read_request(fields: &Fields<'_>) -> Read<Command> {
    let role = match fields.text("type")?.as_deref() {
        None => AssociationRole::Member,
        Some(word) if word.eq_ignore_ascii_case("member") => AssociationRole::Member,
        Some(word) if word.eq_ignore_ascii_case("manager") => AssociationRole::Manager,
        Some(_) => {
            return Ok(Command::Unknown(
                crate::CommandName::Associations.as_str().to_owned(),
            ));
        }
    };
    Ok(Command::Associations {
        domain: fields.text("domain")?.unwrap_or_default().into_owned(),
        role,
        limit: fields.limit(MAX_RESULTS)?,
    })
}
