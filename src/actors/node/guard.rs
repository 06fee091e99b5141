//! Who may ask the admin endpoint, as the configuration has it.

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::actors::admin::{Guard, Token};
use crate::config::AdminConfig;

/// A token that is shorter could be guessed.
const TOKEN_CHARACTERS_MIN: usize = 16;

/// The guard of the configuration. A token that cannot be read is an error, as without it nobody could ask.
pub(super) fn guard(config: &AdminConfig) -> anyhow::Result<Guard> {
    let hosts = config.hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
    Ok(Guard {
        hosts: hosts.map(str::to_owned).collect(),
        look: token("admin.look-token-file", &config.look_token_file)?,
        operate: token("admin.token-file", &config.token_file)?,
    })
}

fn token(setting: &str, file: &Path) -> anyhow::Result<Option<Token>> {
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{setting}: cannot read {}", file.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    ensure!(
        token.len() >= TOKEN_CHARACTERS_MIN,
        "{setting}: the token in {} has less than {TOKEN_CHARACTERS_MIN} characters",
        file.display()
    );
    Ok(Some(Token::new(token)))
}
