//! One device on a blocking socket: publishes what it is told and waits for the answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::bail;

use super::seed::Enrolled;
use super::wire::{self, Heard};

/// An answer that takes longer fails the bench.
const PATIENCE: Duration = Duration::from_secs(90);

/// Connected and ready.
pub(crate) struct Device {
    socket: TcpStream,
    name: String,
    id: u16,
    heard: Vec<u8>,
}

impl Device {
    /// Connects.
    ///
    /// # Errors
    /// The gateway refuses.
    pub(crate) fn connect(address: SocketAddr, enrolled: &Enrolled) -> anyhow::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(&wire::connect(&enrolled.id, &enrolled.token))?;
        let mut device = Self { socket, name: enrolled.id.clone(), id: 0, heard: Vec::new() };
        match device.next()? {
            Heard::Connack(0) => Ok(device),
            other => bail!("the gateway refused a device: {other:?}"),
        }
    }

    /// Publishes readings as JSON and waits until they are acknowledged.
    ///
    /// # Errors
    /// They are refused, or the connection ends.
    pub(crate) fn publish(&mut self, json: &str) -> anyhow::Result<()> {
        self.send(json)?;
        self.answered()
    }

    /// Waits until what was sent is acknowledged.
    ///
    /// # Errors
    /// It is refused, or the connection ends.
    pub(crate) fn answered(&mut self) -> anyhow::Result<()> {
        loop {
            match self.next()? {
                Heard::Puback(_, 0) => return Ok(()),
                Heard::Puback(_, code) => bail!("a message was refused with {code:#x}"),
                Heard::Disconnect(code) => bail!("a device was disconnected with {code:#x}"),
                Heard::Connack(_) | Heard::Other => {}
            }
        }
    }

    /// Publishes and does not wait.
    ///
    /// # Errors
    /// The connection ended.
    pub(crate) fn send(&mut self, json: &str) -> anyhow::Result<()> {
        self.id = self.id.checked_add(1).unwrap_or(1);
        Ok(self.socket.write_all(&wire::publish(&self.name, self.id, json.as_bytes()))?)
    }

    fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            if let Some((size, heard)) = wire::next(&self.heard) {
                self.heard.drain(..size);
                return Ok(heard);
            }
            let mut bytes = [0; 1_024];
            let size = self.socket.read(&mut bytes)?;
            anyhow::ensure!(size > 0, "the gateway closed a connection");
            self.heard.extend_from_slice(bytes.get(..size).unwrap_or_default());
        }
    }
}
