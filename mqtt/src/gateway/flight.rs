//! The messages of one connection that wait for an answer, in receive order. Answers come in any
//! order; acknowledgements leave in this one (MQTT 5 §4.6).

use super::answer::Answer;
use std::collections::VecDeque;

/// Room an empty flight may keep.
const RETAINED: usize = 32;

/// A message that waits for its answer.
pub(crate) struct Slot {
    pub(crate) packet_id: Option<u16>,
    pub(crate) qos: u8,
    pub(crate) bytes: usize,
    answer: Option<Answer>,
}

#[derive(Default)]
pub(crate) struct Flight {
    slots: VecDeque<Slot>,
    first: u32,
    bytes: usize,
}

impl Flight {
    /// Takes its place in the order; the number is where its answer goes.
    pub(crate) fn push(&mut self, packet_id: Option<u16>, qos: u8, bytes: usize) -> u32 {
        let waiting = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.bytes += bytes;
        self.slots.push_back(Slot { packet_id, qos, bytes, answer: None });
        self.first.wrapping_add(waiting)
    }

    pub(crate) fn settle(&mut self, number: u32, answer: Answer) {
        let index = usize::try_from(number.wrapping_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.answer.get_or_insert(answer);
        }
    }

    /// The oldest message, if it is answered.
    pub(crate) fn next_answered(&mut self) -> Option<(Slot, Answer)> {
        let answer = self.slots.front_mut()?.answer.take()?;
        let slot = self.slots.pop_front()?;
        self.first = self.first.wrapping_add(1);
        self.bytes = self.bytes.saturating_sub(slot.bytes);
        if self.slots.is_empty() && self.slots.capacity() > RETAINED {
            self.slots = VecDeque::new();
        }
        Some((slot, answer))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a message with this identifier still waits for its acknowledgement.
    pub(crate) fn holds(&self, packet_id: u16) -> bool {
        self.slots.iter().any(|slot| slot.packet_id == Some(packet_id))
    }

    /// Whether a QoS 2 message with this identifier still waits.
    pub(crate) fn holds_qos2(&self, packet_id: u16) -> bool {
        self.slots.iter().any(|s| s.qos == 2 && s.packet_id == Some(packet_id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Outcome;
    use super::*;

    #[test]
    fn an_identifier_is_held_until_its_acknowledgement() {
        let mut flight = Flight::default();
        let number = flight.push(Some(7), 1, 10);
        flight.push(None, 0, 10);
        assert_eq!((flight.holds(7), flight.holds(8)), (true, false));
        flight.settle(number, Outcome::committed().into());
        assert!(flight.holds(7), "answered, and not yet told");
        drop(flight.next_answered());
        assert!(!flight.holds(7));
    }

    #[test]
    fn answers_in_any_order_leave_in_receive_order() {
        let mut flight = Flight { first: u32::MAX - 1, ..Flight::default() };
        let numbers: Vec<u32> = (1..=4).map(|id| flight.push(Some(id), 1, 10)).collect();
        for at in [3, 1, 2] {
            flight.settle(numbers[at], Outcome::committed().into());
            assert!(flight.next_answered().is_none(), "the first is not answered yet");
        }
        flight.settle(numbers[0], Outcome::NotStored.into());
        let left: Vec<_> =
            std::iter::from_fn(|| flight.next_answered()).map(|(s, _answer)| s.packet_id).collect();
        assert_eq!(left, [Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!((flight.bytes(), flight.is_empty()), (0, true));
        flight.settle(numbers[0], Outcome::committed().into());
    }
}
