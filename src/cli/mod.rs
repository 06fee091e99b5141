//! The command line: parse arguments, call the floor below.

mod args;
mod ctl;
mod logging;
mod out;
mod playground;
mod start;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

pub use args::{Args, Command, ConfigCommand, StartArgs};
pub use ctl::{
    AddOperator, CtlArgs, CtlCommand, LeaderCommand, MemberCommand, OperatorsCommand,
    SchedulersCommand, SettingsCommand, StoreCommand,
};
pub use playground::{PlaygroundArgs, PlaygroundCommand};

/// Runs what the command line says.
pub fn run() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Start(args) => start::start(&args),
        Command::Ctl(args) => ctl::ctl(&args),
        Command::Playground(args) => playground::playground(&args),
        Command::Config(ConfigCommand::Print(args)) => print_config(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out::complain(&format!("troupe: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn print_config(args: &StartArgs) -> anyhow::Result<()> {
    let (config, unknown) = args.config()?;
    for variable in unknown {
        out::complain(&format!(
            "troupe: environment variable {variable} is no configuration key, and passed over"
        ));
    }
    out::answer(&toml::to_string_pretty(&config)?)
}
