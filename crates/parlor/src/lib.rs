//! The `parlor` program as a library, so that a program can be made that has bots of its own besides: reads the command
//! line, runs one command, turns failures into exit codes.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     parlor::run(parlor::bots()) // .with::<MyBot>()
//! }
//! ```

mod bots;
mod cli;
mod commands;
mod config;
mod failure;
mod identity;
mod logging;
mod recording;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use cli::{Cli, Command, Global, LogFormat, ServiceArgs, WireArgs};
use config::Settings;
use failure::Failure;
use parlor_bot::Registry;
use recording::{Recorder, RecordingLayer};

pub use bots::shipped as bots;

/// How long the end of bots' programs is waited for; each is killed before.
const PROGRAMS: Duration = Duration::from_secs(5);

/// The whole program: everything that `parlor` does, with these kinds of bot. It reads the command line of the process and
/// returns its exit code. Only the first call of a process decides about the bots.
pub fn run(bots: Registry) -> ExitCode {
    bots::choose(bots);
    let cli = Cli::parse();
    terminal::choose_color(cli.global.color);
    let obeyed = obey(cli);
    let left = parlor_process::wait_until_ended(PROGRAMS);
    if left > 0 {
        terminal::remark(format_args!("{left} programs of bots do not end"));
    }
    match obeyed {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.show();
            ExitCode::from(failure.code)
        }
    }
}

fn obey(cli: Cli) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "parlor", &mut std::io::stdout());
            Ok(())
        }
        Command::Check => commands::check::run(global),
        Command::Cert(command) => commands::cert::run(global, &command),
        Command::Up(arguments) => service(global, &arguments, commands::run::Parts::BOTH),
        Command::Serve(arguments) => service(global, &arguments, commands::run::Parts::SERVER),
        Command::Host(arguments) => service(global, &arguments, commands::run::Parts::HOST),
        Command::Schedule(command) => {
            let settings = load_with_bots(global)?;
            block_on(false, commands::schedule::run(global, &settings, &command))
        }
        Command::Room(command) => administer(global, |client| commands::room::run(client, global, command)),
        Command::Message(command) => {
            administer(global, |client| commands::message::run(client, global, command))
        }
        Command::User(command) => administer(global, |client| commands::user::run(client, global, command)),
        Command::Category(command) => {
            administer(global, |client| commands::category::run(client, global, command))
        }
        Command::Ledger(command) => {
            let settings = load(global)?;
            block_on(false, commands::ledger::run(global, &settings, command))
        }
        Command::Reload => {
            let settings = load(global).map_err(Failure::keeps_the_old)?;
            block_on(false, commands::reload::run(global, &settings))
        }
        Command::Status => {
            let settings = load(global)?;
            block_on(false, commands::status::run(global, &settings))
        }
        Command::Feed(command) => {
            let settings = load(global);
            block_on(false, commands::feed::run(global, settings, command))
        }
        Command::Mail(command) => {
            let settings = load(global)?;
            block_on(false, commands::mail::run(global, &settings, command))
        }
        Command::Hook(command) => {
            let settings = load(global)?;
            block_on(false, commands::hook::run(global, &settings, command))
        }
        Command::Bot(command) => commands::bot::run(global, command),
        Command::Chat(arguments) => {
            let settings = load(global)?;
            let _recorder = start_logging(global, "error", LogFormat::Human, &arguments.wire)?;
            block_on(false, commands::chat::run(&settings, arguments))
        }
        Command::Trace(arguments) => commands::trace::run(global, &arguments),
    }
}

/// The configuration, without a look at the programs in it: for commands that have no use for bots.
fn load(global: &Global) -> Result<Settings, Failure> {
    Ok(config::load(&global.config, &bots::Kinds::believing())?)
}

/// The configuration, with its programs asked what they are.
fn load_with_bots(global: &Global) -> Result<Settings, Failure> {
    Ok(config::load(&global.config, &bots::Kinds::asking())?)
}

/// Starts the log, and the recording if one is wanted, which lasts as long as what is returned.
fn start_logging(
    global: &Global,
    filter: &str,
    format: LogFormat,
    wire: &WireArgs,
) -> Result<Option<Recorder>, Failure> {
    let recorder = wire.trace_sip.as_deref().map(Recorder::start).transpose()?;
    let filter = global.log.as_deref().unwrap_or(filter);
    let format = global.log_format.unwrap_or(format);
    let layer = recorder.as_ref().map(RecordingLayer::new);
    logging::start(filter, format, global.color, layer).map_err(Failure::new)?;
    Ok(recorder)
}

fn service(global: &Global, arguments: &ServiceArgs, parts: commands::run::Parts) -> Result<(), Failure> {
    let settings = if parts.has_host() {
        load_with_bots(global)?
    } else {
        load(global)?
    };
    let _recorder = start_logging(global, &settings.log.filter, settings.log.format, &arguments.wire)?;
    block_on(
        true,
        commands::run::run(global, settings, parts, arguments.metrics),
    )
}

/// Runs a command that talks to the running server.
fn administer<F>(
    global: &Global,
    command: impl FnOnce(parlor_server::control::Client) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let settings = load(global)?;
    let client = parlor_server::control::Client::new(commands::control_socket(&settings));
    block_on(false, command(client))
}

fn block_on<F>(threads: bool, future: F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut builder = if threads {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Failure::caused("cannot start the runtime", &error))?;
    let result = runtime.block_on(future);
    // Reading standard input cannot be interrupted; do not wait for it.
    runtime.shutdown_background();
    result
}
