//! On whose behalf a request comes.

use std::net::IpAddr;

use hyper::HeaderMap;
use ipnet::IpNet;

/// Steps of a way over proxies that are looked at, from the last back.
const STEPS: usize = 16;

/// The sender: who connects, or, when that is one of our proxies, whom it names last. What stands before that in the
/// header the sender itself may have written.
pub(super) fn sender(connected: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let ours = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let connected = connected.to_canonical();
    if !ours(&connected) {
        return connected;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    let steps = lines.filter_map(|line| line.to_str().ok());
    let steps = steps.flat_map(|line| line.rsplit(',')).take(STEPS);
    let mut last = connected;
    for step in steps {
        let Ok(address) = step.trim().parse::<IpAddr>() else {
            return last;
        };
        last = address.to_canonical();
        if !ours(&last) {
            return last;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_proxies_are_asked_for_whom_they_speak() {
        let proxies: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/24".parse().unwrap()];
        for (connected, lines, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("127.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            (
                "::ffff:127.0.0.1",
                &["1.2.3.4, 198.51.100.7, 10.0.0.3"],
                "198.51.100.7",
            ),
            ("127.0.0.1", &["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
            ("127.0.0.1", &["198.51.100.7, unknown"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["2001:db8::5"], "2001:db8::5"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let sender = sender(connected.parse().unwrap(), &headers, &proxies);
            assert_eq!(sender.to_string(), expected, "{connected} {lines:?}");
        }
    }
}
