//! What the server says (RFC 5321), as far as its script lets it.

use std::sync::MutexGuard;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Protection, ReceivedMail, Script, Shared};

/// What follows a conversation in clear.
enum End<S> {
    Closed,
    Encrypt(S),
}

/// Who a mail is from and for.
#[derive(Default)]
struct Envelope {
    from: String,
    to: Vec<String>,
}

impl Shared {
    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(super) async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let connection = {
            let mut script = self.script();
            script.connections += 1;
            script.connections
        };
        if self.protection == Protection::Implicit {
            let stream = self.acceptor.accept(stream).await?;
            self.converse(BufReader::new(stream), true, true, connection)
                .await?;
            return Ok(());
        }
        if let End::Encrypt(stream) = self
            .converse(BufReader::new(stream), true, false, connection)
            .await?
        {
            let stream = self.acceptor.accept(stream.into_inner()).await?;
            self.converse(BufReader::new(stream), false, true, connection)
                .await?;
        }
        Ok(())
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: BufReader<S>,
        greets: bool,
        encrypted: bool,
        connection: u32,
    ) -> std::io::Result<End<BufReader<S>>> {
        if greets {
            let greeting = self.refusal("CONNECT");
            let greeting = greeting.unwrap_or_else(|| "220 mail.example.com ready".to_owned());
            say(&mut stream, &greeting).await?;
        }
        let (mut envelope, mut signed_in) = (Envelope::default(), self.account.is_none());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(End::Closed);
            }
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let told = if verb == "AUTH" { "AUTH" } else { line };
            self.script().commands.push(told.to_owned());
            if let Some(refusal) = self.refusal(&verb) {
                say(&mut stream, &refusal).await?;
                continue;
            }
            let lacks_tls = self.protection == Protection::StartTls && !encrypted;
            let answer = match verb.as_str() {
                "EHLO" if lacks_tls => "250-mail.example.com\r\n250 STARTTLS",
                "EHLO" if self.account.is_some() => "250-mail.example.com\r\n250 AUTH PLAIN",
                "EHLO" => "250 mail.example.com",
                "STARTTLS" => {
                    say(&mut stream, "220 go ahead").await?;
                    return Ok(End::Encrypt(stream));
                }
                "QUIT" => {
                    say(&mut stream, "221 bye").await?;
                    return Ok(End::Closed);
                }
                "AUTH" if lacks_tls => "530 5.7.0 STARTTLS first",
                "AUTH" => {
                    signed_in = self.account.as_deref() == line.strip_prefix("AUTH PLAIN ");
                    if signed_in {
                        "235 2.7.0 welcome"
                    } else {
                        "535 5.7.8 wrong password"
                    }
                }
                "MAIL" if lacks_tls || !signed_in => "530 5.7.0 sign in first",
                "MAIL" => {
                    envelope = Envelope {
                        from: address(line),
                        ..Envelope::default()
                    };
                    "250 2.1.0 sender ok"
                }
                "RCPT" => {
                    envelope.to.push(address(line));
                    "250 2.1.5 recipient ok"
                }
                "RSET" => "250 2.0.0 reset",
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    let mail = ReceivedMail {
                        from: std::mem::take(&mut envelope.from),
                        to: std::mem::take(&mut envelope.to),
                        text: read_mail(&mut stream).await?,
                        connection,
                    };
                    let Some(answer) = self.take_in(mail).await else {
                        return Ok(End::Closed);
                    };
                    say(&mut stream, &answer).await?;
                    continue;
                }
                _ => "500 5.5.1 what?",
            };
            say(&mut stream, answer).await?;
        }
    }

    /// Keeps a mail, unless it is refused; `None` when the server dies over it.
    async fn take_in(&self, mail: ReceivedMail) -> Option<String> {
        if let Some(refusal) = self.refusal(".") {
            return Some(refusal);
        }
        self.received.send_modify(|mails| mails.push(mail));
        let dies = {
            let mut script = self.script();
            let dies = script.deaths > 0;
            script.deaths = script.deaths.saturating_sub(1);
            dies
        };
        if dies {
            return None;
        }
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        Some(format!("250 2.0.0 queued as {}", self.received.borrow().len()))
    }

    fn refusal(&self, verb: &str) -> Option<String> {
        let refusals = &mut self.script().refusals;
        let at = refusals.iter().position(|(of, _)| of == verb)?;
        refusals.remove(at).map(|(_, reply)| reply)
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// Reads until the line with a single dot; the dot before others is doubled (RFC 5321, section 4.5.2).
async fn read_mail<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches("\r\n");
        if line == "." {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(line));
        text.push('\n');
    }
}

/// `MAIL FROM:<ann@example.com> SIZE=1` → `ann@example.com`.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.to_owned()).unwrap_or_default()
}
