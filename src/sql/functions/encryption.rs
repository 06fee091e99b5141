//! Ciphers, compression and random bytes.

use std::io::{Read as _, Write as _};

use aes::cipher::{Block, BlockDecrypt, BlockEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::call::{Call, not_null};
use super::definition::{Definition, Nulls, Numbers, Volatility};
use super::pieces::{PIECE, pieces};
use super::typing::{bigint_unsigned, long_bytes};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::VariableScope;
use crate::sql::types::{Datum, FieldType};

/// Bytes of a block.
const BLOCK: usize = 16;
/// The most that RANDOM_BYTES makes at once.
const MOST_RANDOM: i64 = 1024;

pub(super) static FUNCTIONS: &[Definition] = &[
    Definition::function(
        &["aes_encrypt"],
        (2, 6),
        long_bytes,
        |call| aes(call, true),
        "The text as AES encrypts it with a key, in the mode that `block_encryption_mode` says.",
    )
    .reads_bytes(),
    Definition::function(
        &["aes_decrypt"],
        (2, 6),
        long_bytes,
        |call| aes(call, false),
        "What AES_ENCRYPT was given; NULL if it cannot have been with this key.",
    )
    .reads_bytes(),
    Definition::function(
        &["random_bytes"],
        (1, 1),
        |_| Ok(FieldType::varbinary(MOST_RANDOM as u32)),
        random_bytes,
        "So many random bytes, 1 to 1,024.",
    )
    .numbers(Numbers::All)
    .volatility(Volatility::Row),
    Definition::function(
        &["compress"],
        (1, 1),
        long_bytes,
        compress,
        "The text compressed as zlib does, behind its length.",
    )
    .nulls(Nulls::Maybe)
    .reads_bytes(),
    Definition::function(
        &["uncompress"],
        (1, 1),
        long_bytes,
        uncompress,
        "What COMPRESS was given.",
    ),
    Definition::function(
        &["uncompressed_length"],
        (1, 1),
        bigint_unsigned,
        |call| {
            let bytes = not_null!(call.bytes(0));
            if bytes.is_empty() {
                return Ok(Datum::UInt(0));
            }
            match length_of(&bytes) {
                Some(length) => Ok(Datum::UInt(u64::from(length))),
                None => damaged(call),
            }
        },
        "How long what COMPRESS was given was.",
    ),
];

/// How blocks are chained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Not at all.
    Ecb,
    /// Each is mixed with the encrypted one before.
    Cbc,
    /// What was encrypted before makes the stream, so many bits at a time.
    Cfb(u8),
    /// The stream makes itself.
    Ofb,
}

/// A key of one of the three lengths.
enum Cipher {
    Short(Aes128),
    Middle(Aes192),
    Long(Aes256),
}

type Unit = [u8; BLOCK];

impl Cipher {
    /// The key may have any length: what is too long is folded.
    fn new(key: &[u8], bits: usize) -> Cipher {
        let mut folded = vec![0; bits / 8];
        for (at, byte) in key.iter().enumerate() {
            folded[at % (bits / 8)] ^= byte;
        }
        match bits {
            128 => Cipher::Short(Aes128::new(folded.as_slice().into())),
            192 => Cipher::Middle(Aes192::new(folded.as_slice().into())),
            _ => Cipher::Long(Aes256::new(folded.as_slice().into())),
        }
    }

    fn encrypt(&self, unit: &mut Unit) {
        fn with<C: BlockEncrypt + BlockSizeUser>(cipher: &C, unit: &mut Unit) {
            cipher.encrypt_block(Block::<C>::from_mut_slice(unit));
        }
        match self {
            Cipher::Short(cipher) => with(cipher, unit),
            Cipher::Middle(cipher) => with(cipher, unit),
            Cipher::Long(cipher) => with(cipher, unit),
        }
    }

    fn decrypt(&self, unit: &mut Unit) {
        fn with<C: BlockDecrypt + BlockSizeUser>(cipher: &C, unit: &mut Unit) {
            cipher.decrypt_block(Block::<C>::from_mut_slice(unit));
        }
        match self {
            Cipher::Short(cipher) => with(cipher, unit),
            Cipher::Middle(cipher) => with(cipher, unit),
            Cipher::Long(cipher) => with(cipher, unit),
        }
    }
}

/// `aes-128-cbc` and its like.
fn mode_of(name: &str) -> Option<(usize, Mode)> {
    let name = name.to_ascii_lowercase();
    let mut parts = name.splitn(3, '-').skip(1);
    let bits = parts.next()?.parse().ok()?;
    let mode = match parts.next()? {
        "ecb" => Mode::Ecb,
        "cbc" => Mode::Cbc,
        "cfb1" => Mode::Cfb(1),
        "cfb8" => Mode::Cfb(8),
        "cfb128" => Mode::Cfb(128),
        "ofb" => Mode::Ofb,
        _ => return None,
    };
    matches!(bits, 128 | 192 | 256).then_some((bits, mode))
}

fn aes(call: &Call<'_>, encrypts: bool) -> SqlResult<Datum> {
    if call.args.len() > 3 {
        let name = call.definition.name().to_uppercase();
        return Err(SqlError::unsupported(format!("{name}() with the derivation of a key")));
    }
    let name = call.ctx.vars.system_var("block_encryption_mode", VariableScope::Session)?;
    let name = name.to_text();
    let Some((bits, mode)) = mode_of(&name) else {
        return Err(SqlError::internal(format!("block_encryption_mode is '{name}'")));
    };
    let text = not_null!(call.bytes(0));
    let key = not_null!(call.bytes(1));
    let mut chained = [0; BLOCK];
    match (mode, call.args.len()) {
        (Mode::Ecb, 2) => {}
        (Mode::Ecb, _) => {
            call.ctx.warn_or_fail(errno::WARN_OPTION_IGNORED, "<IV> option ignored".to_owned())?
        }
        (_, 2) => {
            let name = call.definition.name();
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!("Incorrect parameter count in the call to native function '{name}'"),
            ));
        }
        _ => {
            let vector = not_null!(call.bytes(2));
            let Some(start) = vector.get(..BLOCK) else {
                let name = call.definition.name();
                return Err(SqlError::new(
                    errno::AES_INVALID_IV,
                    format!(
                        "The initialization vector supplied to {name} is too short. Must be at least 16 bytes long"
                    ),
                ));
            };
            chained.copy_from_slice(start);
        }
    }
    let cipher = Cipher::new(&key, bits);
    let mut done = Vec::with_capacity(text.len() + BLOCK);
    let is_whole = match mode {
        Mode::Ecb | Mode::Cbc if encrypts => {
            encrypt_blocks(call, &cipher, (mode, chained), &text, &mut done)?;
            true
        }
        Mode::Ecb | Mode::Cbc => decrypt_blocks(call, &cipher, (mode, chained), &text, &mut done)?,
        Mode::Cfb(1) => {
            one_bit(call, &cipher, chained, (&text, encrypts), &mut done)?;
            true
        }
        Mode::Cfb(_) | Mode::Ofb => {
            stream(call, &cipher, (mode, chained), (&text, encrypts), &mut done)?;
            true
        }
    };
    Ok(if is_whole { Datum::from(done) } else { Datum::Null })
}

fn mix(unit: &mut Unit, other: &Unit) {
    unit.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

/// With the padding of PKCS #7.
fn encrypt_blocks(
    call: &Call<'_>,
    cipher: &Cipher,
    (mode, mut chained): (Mode, Unit),
    text: &[u8],
    done: &mut Vec<u8>,
) -> SqlResult<()> {
    let (whole, rest) = text.as_chunks::<BLOCK>();
    let mut last = [(BLOCK - rest.len()) as u8; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    for (at, block) in whole.iter().chain(std::iter::once(&last)).enumerate() {
        if at % (PIECE / BLOCK) == 0 {
            call.ctx.check_interrupted()?;
        }
        let mut unit = *block;
        if mode == Mode::Cbc {
            mix(&mut unit, &chained);
        }
        cipher.encrypt(&mut unit);
        chained = unit;
        done.extend_from_slice(&unit);
    }
    Ok(())
}

/// Whether it was encrypted with this key: whether there is a padding.
fn decrypt_blocks(
    call: &Call<'_>,
    cipher: &Cipher,
    (mode, mut chained): (Mode, Unit),
    text: &[u8],
    done: &mut Vec<u8>,
) -> SqlResult<bool> {
    let (whole, rest) = text.as_chunks::<BLOCK>();
    if whole.is_empty() || !rest.is_empty() {
        return Ok(false);
    }
    for (at, block) in whole.iter().enumerate() {
        if at % (PIECE / BLOCK) == 0 {
            call.ctx.check_interrupted()?;
        }
        let mut unit = *block;
        cipher.decrypt(&mut unit);
        if mode == Mode::Cbc {
            mix(&mut unit, &chained);
        }
        chained = *block;
        done.extend_from_slice(&unit);
    }
    let padding = done.last().map_or(0, |byte| usize::from(*byte));
    let is_padded = (1..=BLOCK).contains(&padding)
        && done[done.len() - padding..].iter().all(|byte| usize::from(*byte) == padding);
    if is_padded {
        done.truncate(done.len() - padding);
    }
    Ok(is_padded)
}

/// CFB of 8 or 128 bits, and OFB.
fn stream(
    call: &Call<'_>,
    cipher: &Cipher,
    (mode, mut register): (Mode, Unit),
    (text, encrypts): (&[u8], bool),
    done: &mut Vec<u8>,
) -> SqlResult<()> {
    let step = if mode == Mode::Cfb(8) { 1 } else { BLOCK };
    for (at, part) in text.chunks(step).enumerate() {
        if at % (PIECE / BLOCK) == 0 {
            call.ctx.check_interrupted()?;
        }
        let mut key_stream = register;
        cipher.encrypt(&mut key_stream);
        let start = done.len();
        done.extend(part.iter().zip(&key_stream).map(|(byte, key)| byte ^ key));
        let encrypted = if encrypts { &done[start..] } else { part };
        match mode {
            Mode::Ofb => register = key_stream,
            _ => {
                register.copy_within(part.len().., 0);
                register[BLOCK - part.len()..].copy_from_slice(encrypted);
            }
        }
    }
    Ok(())
}

/// CFB of single bits.
fn one_bit(
    call: &Call<'_>,
    cipher: &Cipher,
    register: Unit,
    (text, encrypts): (&[u8], bool),
    done: &mut Vec<u8>,
) -> SqlResult<()> {
    let mut register = u128::from_be_bytes(register);
    for (at, byte) in text.iter().enumerate() {
        if at % (PIECE / BLOCK / 8) == 0 {
            call.ctx.check_interrupted()?;
        }
        let mut out = 0;
        for bit in (0..8).rev() {
            let mut key_stream = register.to_be_bytes();
            cipher.encrypt(&mut key_stream);
            let before = byte >> bit & 1;
            let after = before ^ key_stream[0] >> 7;
            out |= after << bit;
            register = register << 1 | u128::from(if encrypts { after } else { before });
        }
        done.push(out);
    }
    Ok(())
}

fn random_bytes(call: &Call<'_>) -> SqlResult<Datum> {
    let count = not_null!(call.int(0));
    if !(1..=MOST_RANDOM).contains(&count) {
        return Err(SqlError::new(
            errno::DATA_OUT_OF_RANGE,
            "length value is out of range in 'random_bytes'",
        ));
    }
    // Who sees some of the statement's numbers could tell the others; of these he cannot.
    let mut seed = <ChaCha20Rng as rand_chacha::rand_core::SeedableRng>::Seed::default();
    for part in seed.as_chunks_mut::<8>().0 {
        *part = call.ctx.next_random().to_le_bytes();
    }
    let mut bytes = vec![0; count as usize];
    ChaCha20Rng::from_seed(seed).fill_bytes(&mut bytes);
    Ok(Datum::from(bytes))
}

/// Four bytes of the length in front; a dot behind what ends in a space, which CHAR columns would drop.
fn compress(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let Ok(length) = u32::try_from(bytes.len()) else { return Ok(Datum::Null) };
    if bytes.is_empty() {
        return Ok(Datum::from(""));
    }
    let mut packed = length.to_le_bytes().to_vec();
    let mut encoder = ZlibEncoder::new(&mut packed, Compression::default());
    for piece in pieces(&bytes, PIECE, call.ctx) {
        encoder.write_all(piece?).map_err(SqlError::internal)?;
    }
    encoder.finish().map_err(SqlError::internal)?;
    if packed.last() == Some(&b' ') {
        packed.push(b'.');
    }
    Ok(Datum::from(packed))
}

fn length_of(packed: &[u8]) -> Option<u32> {
    let head = packed.first_chunk::<4>().filter(|_| packed.len() > 4)?;
    Some(u32::from_le_bytes(*head) & 0x3FFF_FFFF)
}

fn uncompress(call: &Call<'_>) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    if bytes.is_empty() {
        return Ok(Datum::from(""));
    }
    let Some(length) = length_of(&bytes) else { return damaged(call) };
    if length as usize > call.ctx.max_allowed_packet {
        call.ctx.warn_or_fail(
            errno::TOO_BIG_FOR_UNCOMPRESS,
            format!(
                "Uncompressed data size too large; the maximum size is {} (probably, length of uncompressed data was corrupted)",
                call.ctx.max_allowed_packet
            ),
        )?;
        return Ok(Datum::Null);
    }
    let mut decoder = ZlibDecoder::new(&bytes[4..]).take(u64::from(length) + 1);
    let mut text = Vec::new();
    let mut piece = vec![0; PIECE.min(length as usize + 1)];
    loop {
        call.ctx.check_interrupted()?;
        match decoder.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&piece[..count]),
            Err(_) => return damaged(call),
        }
    }
    if text.len() != length as usize {
        return damaged(call);
    }
    Ok(Datum::from(text))
}

/// NULL, with warning 1259.
fn damaged(call: &Call<'_>) -> SqlResult<Datum> {
    call.ctx.warn_or_fail(errno::ZLIB_Z_DATA_ERROR, "ZLIB: Input data corrupted")?;
    Ok(Datum::Null)
}
