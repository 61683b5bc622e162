//! What a body can do: hard bounds (outside: quarantine) and suspect bounds (outside: stored and flagged),
//! as data with their sources, and the marks of a value in the wrong unit (clinical reference 4f).

use domain::readings::{MG_PER_DL_PER_MMOL_PER_L, Reading, Signal, Unit};

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// Inside both bounds.
    Plausible,
    /// Outside the suspect bounds.
    Suspect,
    /// Outside the hard bounds.
    Impossible,
}

/// Bounds of one signal in its canonical unit; each end belongs to the inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Outside: quarantined.
    pub hard: (f64, f64),
    /// Outside: flagged.
    pub suspect: (f64, f64),
    /// Where the numbers come from.
    pub source: &'static str,
}

impl Bounds {
    /// Where a value lies.
    #[must_use]
    pub fn band(&self, value: f64) -> Band {
        let inside = |(low, high): (f64, f64)| (low..=high).contains(&value);
        match (inside(self.hard), inside(self.suspect)) {
            (false, _) => Band::Impossible,
            (true, false) => Band::Suspect,
            (true, true) => Band::Plausible,
        }
    }
}

const HEART: Bounds = Bounds {
    hard: (1.0, 300.0),
    suspect: (25.0, 220.0),
    source: "Health Connect 1-300, CLIF 0-300; suspect band to be confirmed clinically",
};
const GLUCOSE_MAX: f64 = 50.0 * MG_PER_DL_PER_MMOL_PER_L;
const HRV: Bounds = Bounds {
    hard: (0.0, 5_000.0),
    suspect: (0.0, 500.0),
    source: "design: a deviation is not negative; no published bound found",
};

/// The bounds of a signal.
#[must_use]
pub const fn bounds(signal: Signal) -> Bounds {
    let (hard, suspect, source) = match signal {
        Signal::HeartRate | Signal::RestingHeartRate => return HEART,
        Signal::HrvSdnn | Signal::HrvRmssd => return HRV,
        Signal::Spo2 => ((1.0, 100.0), (50.0, 100.0), "CLIF 50-100"),
        Signal::SystolicBp => {
            ((20.0, 300.0), (50.0, 250.0), "CLIF 0-300, Health Connect 20-200, NEWS2 50-250")
        }
        Signal::DiastolicBp => ((10.0, 200.0), (30.0, 150.0), "CLIF 0-200, Health Connect 10-180"),
        Signal::RespiratoryRate => {
            ((1.0, 100.0), (5.0, 60.0), "CLIF 0-60; hard bound to be confirmed clinically")
        }
        Signal::BodyTemperature => ((25.0, 46.0), (32.0, 44.0), "CLIF 32-44, NEWS2 30-45"),
        Signal::SkinTemperature => {
            ((0.0, 50.0), (20.0, 42.0), "design: a sensor on skin, off it in a cold room")
        }
        Signal::Glucose => {
            ((10.0, GLUCOSE_MAX), (40.0, 400.0), "Health Connect 0-50 mmol/L; sensors read 40-400")
        }
        Signal::GlucoseCapillary => ((10.0, GLUCOSE_MAX), (10.0, GLUCOSE_MAX), "Health Connect 0-50 mmol/L"),
        // The hard bound excludes zero itself.
        Signal::Weight => {
            ((f64::MIN_POSITIVE, 1_000.0), (30.0, 300.0), "Health Connect 0-1000, CLIF 30-1100")
        }
        Signal::Height => ((f64::MIN_POSITIVE, 300.0), (76.0, 255.0), "Health Connect 300, CLIF 76-255"),
        Signal::Steps => ((0.0, 1_000_000.0), (0.0, 100_000.0), "Health Connect 0-1,000,000 a record"),
        Signal::SleepDuration => {
            ((0.0, 1_440.0), (0.0, 960.0), "a day; over 16 h to be confirmed clinically")
        }
        Signal::SupplementalOxygen => {
            ((0.0, 100.0), (0.0, 70.0), "design: high-flow devices end near 70 L/min")
        }
        Signal::Consciousness => ((0.0, 4.0), (0.0, 4.0), "A C V P U"),
        Signal::Battery => ((0.0, 100.0), (0.0, 100.0), "a share"),
    };
    Bounds { hard, suspect, source }
}

/// Whether the number fits another unit better than the one it came with: Fahrenheit sent as Celsius, a
/// ratio sent as percent, mmol/L sent as mg/dL. It is reported, never converted.
#[must_use]
pub(crate) fn is_unit_suspect(reading: &Reading) -> bool {
    let fits = |low: f64, high: f64| (low..=high).contains(&reading.value);
    match (reading.signal, reading.unit) {
        (Signal::BodyTemperature, Unit::Celsius) => fits(86.0, 115.0),
        (Signal::Spo2, Unit::Percent) => fits(0.5, 1.0),
        (Signal::Glucose | Signal::GlucoseCapillary, Unit::MgPerDl) => fits(2.0, 30.0),
        _ => false,
    }
}
