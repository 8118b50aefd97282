//! The negotiate flags in use (MS-NLMP section 2.2.2.5).

pub(super) const UNICODE: u32 = 0x0000_0001;
pub(super) const REQUEST_TARGET: u32 = 0x0000_0004;
pub(super) const SIGN: u32 = 0x0000_0010;
pub(super) const DATAGRAM: u32 = 0x0000_0040;
pub(super) const NTLM: u32 = 0x0000_0200;
pub(super) const ALWAYS_SIGN: u32 = 0x0000_8000;
pub(super) const TARGET_TYPE_DOMAIN: u32 = 0x0001_0000;
pub(super) const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
pub(super) const IDENTIFY: u32 = 0x0010_0000;
pub(super) const TARGET_INFO: u32 = 0x0080_0000;
pub(super) const VERSION: u32 = 0x0200_0000;
pub(super) const BITS_128: u32 = 0x2000_0000;
pub(super) const KEY_EXCHANGE: u32 = 0x4000_0000;

/// What a CHALLENGE offers: what the real client insists on, with 128-bit keys and a target name; no 40 or 56 bits.
pub(super) const OFFERED: u32 = UNICODE
    | REQUEST_TARGET
    | SIGN
    | DATAGRAM
    | NTLM
    | ALWAYS_SIGN
    | TARGET_TYPE_DOMAIN
    | EXTENDED_SESSION_SECURITY
    | IDENTIFY
    | TARGET_INFO
    | VERSION
    | BITS_128
    | KEY_EXCHANGE;

/// What both sides must agree on: without these the keys are weaker or the signatures are others.
pub(super) const REQUIRED: u32 = UNICODE | SIGN | NTLM | EXTENDED_SESSION_SECURITY | BITS_128 | KEY_EXCHANGE;
