//! REGISTER and its refresh (facts E1), for endpoints that register.

use std::time::Duration;

use parlor_sip::{ClientTransactionId, Method, Name, NameAddr, Response};
use tokio::time::Instant;

use crate::endpoint::Account;
use crate::error::EstablishError;
use crate::task::asking::{Asked, Heard};
use crate::task::line::Line;

/// A binding at the registrar.
#[derive(Debug)]
pub(crate) struct Registration {
    /// When to send the next REGISTER: at two thirds of the granted time, so that one lost attempt is no loss.
    pub(crate) refresh_at: Instant,
    /// The refresh under way.
    pub(crate) refreshing: Option<Asked>,
    call_id: Option<String>,
}

/// A registrar that grants less than this would have us refresh all the time.
const SHORTEST: Duration = Duration::from_secs(30);

/// Registers and, when the registrar names a GRUU, uses it as Contact from then on.
pub(crate) async fn register(line: &mut Line, account: &Account) -> Result<(), EstablishError> {
    let Some(lifetime) = account.registration else {
        return Ok(());
    };
    let asked = send(line, account, lifetime)?;
    let (response, _) = line.success(asked).await?;
    granted(line, lifetime, &response);
    Ok(())
}

/// Sends a REGISTER for `lifetime`; zero takes the binding away.
pub(crate) fn send(line: &mut Line, account: &Account, lifetime: Duration) -> Result<Asked, EstablishError> {
    let mut target = line.target(&format!("sip:{}", account.owner.host()), account.owner.as_str())?;
    target.call_id = line
        .registration
        .as_ref()
        .and_then(|registration| registration.call_id.clone());
    let draft = line
        .draft(Method::REGISTER)
        .header(Name::Event, "registration")
        .header(Name::Supported, "gruu-10, msrtc-event-categories")
        .header(Name::MsKeepAlive, "UAC;hop-hop=yes")
        .header(Name::Expires, lifetime.as_secs().to_string());
    Ok(line.ask("REGISTER", target, draft))
}

/// Takes note of what the registrar granted.
pub(crate) fn granted(line: &mut Line, asked: Duration, response: &Response) {
    let seconds = response.expires().ok().flatten().map(u64::from);
    let lifetime = seconds.map_or(asked, Duration::from_secs).max(SHORTEST);
    if !line.keeps_contact
        && let Some(gruu) = gruu(response)
    {
        line.contact = format!("<{gruu}>");
    }
    line.registration = Some(Registration {
        refresh_at: line.now() + lifetime * 2 / 3,
        refreshing: None,
        call_id: response.call_id().ok().map(str::to_owned),
    });
}

/// An answer to the refresh: the next one is planned, or a challenge answered. `false` when it was for something else.
pub(crate) fn refreshed(
    line: &mut Line,
    account: &Account,
    transaction: ClientTransactionId,
    response: &Response,
) -> Result<bool, EstablishError> {
    let refreshing = line.registration.as_mut().and_then(|registration| {
        registration
            .refreshing
            .take_if(|asked| asked.transaction == transaction)
    });
    let Some(mut asked) = refreshing else {
        return Ok(false);
    };
    match line.hear(&mut asked, response)? {
        Heard::Granted => granted(line, account.registration.unwrap_or_default(), response),
        Heard::Waiting => {
            if let Some(registration) = &mut line.registration {
                registration.refreshing = Some(asked);
            }
        }
    }
    Ok(true)
}

/// The `gruu` parameter of the Contact in the answer.
fn gruu(response: &Response) -> Option<String> {
    let contacts = response.headers().get(Name::Contact)?;
    let bindings = NameAddr::parse_list(contacts).ok()?;
    bindings
        .iter()
        .find_map(|binding| binding.params.get("gruu").map(str::to_owned))
}
