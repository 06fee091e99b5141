//! Addresses of the Internet, and UUIDs.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, Names, Numbers, TypeRule};
use super::typing::{bigint_unsigned, boolean};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::{Datum, FieldType};

const fn of_one(names: Names, result: TypeRule, eval: Eval, summary: &'static str) -> Definition {
    Definition::function(names, (1, 1), result, eval, summary).light()
}

/// A question about an address or a UUID: 0 for what is none.
const fn test(names: Names, eval: Eval, summary: &'static str) -> Definition {
    of_one(names, boolean, eval, summary).pure()
}

pub(super) static FUNCTIONS: &[Definition] = &[
    of_one(
        &["inet_aton"],
        bigint_unsigned,
        |call| {
            let text = not_null!(call.text(0));
            match dotted(&text) {
                Some(number) => Ok(Datum::UInt(number)),
                None => incorrect(call, &text),
            }
        },
        "The number of an IPv4 address.",
    ),
    of_one(
        &["inet_ntoa"],
        |_| Ok(FieldType::varchar(15)),
        |call| {
            let number = not_null!(call.bits(0));
            match u32::try_from(number) {
                Ok(number) => Ok(Datum::from(Ipv4Addr::from(number).to_string())),
                Err(_) => incorrect(call, &number.to_string()),
            }
        },
        "The IPv4 address with this number.",
    )
    .numbers(Numbers::All),
    of_one(
        &["inet6_aton"],
        |_| Ok(FieldType::varbinary(16)),
        |call| {
            let text = not_null!(call.text(0));
            if let Some(address) = ipv4(&text) {
                return Ok(Datum::from(address.octets().to_vec()));
            }
            match text.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Datum::from(address.octets().to_vec())),
                Err(_) => incorrect(call, &text),
            }
        },
        "The bytes of an IPv6 or IPv4 address.",
    ),
    of_one(
        &["inet6_ntoa"],
        |_| Ok(FieldType::varchar(39)),
        |call| {
            let bytes = not_null!(call.bytes(0));
            if !call.is_binary(0) {
                return incorrect(call, &String::from_utf8_lossy(&bytes));
            }
            if let Ok(octets) = <[u8; 4]>::try_from(&*bytes) {
                return Ok(Datum::from(Ipv4Addr::from(octets).to_string()));
            }
            match <[u8; 16]>::try_from(&*bytes) {
                Ok(octets) => Ok(Datum::from(ipv6_text(Ipv6Addr::from(octets)))),
                Err(_) => incorrect(call, &String::from_utf8_lossy(&bytes)),
            }
        },
        "The IPv6 or IPv4 address of these bytes.",
    ),
    test(
        &["is_ipv4"],
        |call| Ok(Datum::from(not_null!(call.text(0)).parse::<Ipv4Addr>().is_ok())),
        "Whether a text is an IPv4 address.",
    ),
    test(
        &["is_ipv6"],
        |call| Ok(Datum::from(not_null!(call.text(0)).parse::<Ipv6Addr>().is_ok())),
        "Whether a text is an IPv6 address.",
    ),
    test(
        &["is_ipv4_compat"],
        |call| is_prefixed(call, |head, rest| *head == [0; 12] && rest > 1),
        "Whether bytes are an IPv4-compatible IPv6 address.",
    ),
    test(
        &["is_ipv4_mapped"],
        |call| {
            is_prefixed(call, |head, _| head[..10] == [0; 10] && head[10..] == [0xFF; 2])
        },
        "Whether bytes are an IPv4-mapped IPv6 address.",
    ),
    test(
        &["is_uuid"],
        |call| Ok(Datum::from(uuid(&not_null!(call.bytes(0))).is_some())),
        "Whether a text is a UUID.",
    ),
    Definition::function(
        &["uuid_to_bin"],
        (1, 2),
        |_| Ok(FieldType::varbinary(16)),
        |call| {
            let text = not_null!(call.bytes(0));
            let Some(bytes) = uuid(&text) else { return Err(no_uuid(call, &text)) };
            let bytes = if is_swapped(call)? { time_first(bytes) } else { bytes };
            Ok(Datum::from(bytes.to_vec()))
        },
        "The 16 bytes of a UUID; with a second argument that is true, those of its time in order first.",
    )
    .numbers(Numbers::At(&[1])),
    Definition::function(
        &["bin_to_uuid"],
        (1, 2),
        |_| Ok(FieldType::varchar(36)),
        |call| {
            let bytes = not_null!(call.bytes(0));
            let Ok(octets) = <[u8; 16]>::try_from(&*bytes) else {
                return Err(no_uuid(call, &bytes));
            };
            let octets = if is_swapped(call)? { time_last(octets) } else { octets };
            Ok(Datum::from(uuid_text(octets)))
        },
        "The UUID of 16 bytes; with a second argument that is true, of such as have those of the time first.",
    )
    .numbers(Numbers::At(&[1])),
];

/// NULL for what is no address, with warning 1411.
fn incorrect(call: &Call<'_>, text: &str) -> SqlResult<Datum> {
    let name = call.definition.name();
    call.ctx.warn_or_fail(
        errno::WRONG_VALUE_FOR_TYPE,
        format!("Incorrect string value: '{text}' for function {name}"),
    )?;
    Ok(Datum::Null)
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    // A digit zero in front is allowed here.
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// The number of an address of one to four parts: what is left out of `127.1` are zeros before the last part.
fn dotted(text: &str) -> Option<u64> {
    let mut parts = [0_u64; 4];
    let mut count = 0;
    for part in text.split('.') {
        let number: u64 = part.parse().ok().filter(|number| *number <= 255)?;
        *parts.get_mut(count)? = number;
        count += 1;
    }
    let (last, first) = parts[..count].split_last()?;
    let head = first.iter().enumerate().map(|(at, part)| part << (24 - 8 * at)).sum::<u64>();
    Some(head + last)
}

/// As RFC 5952 has it, but that IPv4 addresses inside are written as such only after zeros, or zeros and one `ffff`.
fn ipv6_text(address: Ipv6Addr) -> String {
    let segments = address.segments();
    let v4 = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    if segments[..6] == [0; 6] && segments[6] != 0 {
        return format!("::{v4}");
    }
    address.to_string()
}

fn is_prefixed(call: &Call<'_>, wanted: fn(&[u8; 12], u32) -> bool) -> SqlResult<Datum> {
    let bytes = not_null!(call.bytes(0));
    let Ok(octets) = <[u8; 16]>::try_from(&*bytes) else { return Ok(Datum::from(false)) };
    let (mut head, mut rest) = ([0; 12], [0; 4]);
    head.copy_from_slice(&octets[..12]);
    rest.copy_from_slice(&octets[12..]);
    Ok(Datum::from(call.is_binary(0) && wanted(&head, u32::from_be_bytes(rest))))
}

/// The bytes of a UUID: 32 digits, with dashes at their places or none, with braces around them if there are dashes.
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let text = match text {
        [b'{', inner @ .., b'}'] if inner.len() == 36 => inner,
        text => text,
    };
    let is_dashed = text.len() == 36;
    if !is_dashed && text.len() != 32 {
        return None;
    }
    let mut octets = [0; 16];
    let mut digits = 0;
    for (at, byte) in text.iter().enumerate() {
        if is_dashed && DASHES.contains(&at) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(*byte).to_digit(16)? as u8;
        octets[digits / 2] = octets[digits / 2] << 4 | digit;
        digits += 1;
    }
    (digits == 32).then_some(octets)
}

fn uuid_text(octets: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, octet) in octets.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        text.push_str(&format!("{octet:02x}"));
    }
    text
}

fn is_swapped(call: &Call<'_>) -> SqlResult<bool> {
    Ok(call.args.len() > 1 && call.truth(1)?.unwrap_or(false))
}

/// High and middle of the time before its low part: those of one generator grow.
fn time_first(octets: [u8; 16]) -> [u8; 16] {
    let mut swapped = octets;
    swapped[..2].copy_from_slice(&octets[6..8]);
    swapped[2..4].copy_from_slice(&octets[4..6]);
    swapped[4..8].copy_from_slice(&octets[..4]);
    swapped
}

/// What undoes [`time_first`].
fn time_last(octets: [u8; 16]) -> [u8; 16] {
    let mut swapped = octets;
    swapped[..4].copy_from_slice(&octets[4..8]);
    swapped[4..6].copy_from_slice(&octets[2..4]);
    swapped[6..8].copy_from_slice(&octets[..2]);
    swapped
}

/// Error 1411.
fn no_uuid(call: &Call<'_>, value: &[u8]) -> SqlError {
    let shown = String::from_utf8_lossy(value);
    let name = call.definition.name();
    SqlError::new(
        errno::WRONG_VALUE_FOR_TYPE,
        format!("Incorrect string value: '{shown}' for function {name}"),
    )
}
