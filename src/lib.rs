#![allow(dead_code)]
mod channel;
