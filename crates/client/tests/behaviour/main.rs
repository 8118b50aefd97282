//! What the SDK does, told as stories against a scripted server on the other end of a pipe, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod passwords;
mod peer;
mod posting;
mod privately;
mod recovering;
mod rooms;
mod scene;
mod signing_in;
