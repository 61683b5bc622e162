//! What a wearable measures: signals, units and one reading in its canonical unit.

use std::fmt;

use super::id::DeviceId;
use super::time::Instant;

macro_rules! signals {
    ($($variant:ident = $code:literal, $name:literal, $unit:ident, $doc:literal;)+) => {
        /// A signal code of the contract. The number is the stored form and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum Signal { $(#[doc = $doc] $variant = $code,)+ }

        impl Signal {
            /// Every signal, in the order of its code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored number.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// From the stored number.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The name on the wire and in the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// From the name on the wire.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// The unit that stored values are compared in.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)+ }
            }
        }
    };
}

signals! {
    HeartRate = 1, "heart_rate", PerMinute, "Heart rate, /min (LOINC 8867-4).";
    RestingHeartRate = 2, "resting_heart_rate", PerMinute, "Resting heart rate, /min (LOINC 40443-4).";
    RespiratoryRate = 3, "respiratory_rate", PerMinute, "Respiratory rate, /min (LOINC 9279-1).";
    Spo2 = 4, "spo2", Percent, "Oxygen saturation, % (LOINC 59408-5).";
    BodyTemperature = 5, "body_temperature", Celsius, "Core body temperature, Cel (LOINC 8310-5).";
    SkinTemperature = 6, "skin_temperature", Celsius, "Skin temperature, Cel; never read as a core temperature.";
    SystolicBp = 7, "systolic_bp", MillimetreHg, "Systolic blood pressure, mmHg (LOINC 8480-6).";
    DiastolicBp = 8, "diastolic_bp", MillimetreHg, "Diastolic blood pressure, mmHg (LOINC 8462-4).";
    Glucose = 9, "glucose", MgPerDl, "Interstitial glucose, mg/dL (LOINC 99504-3).";
    GlucoseCapillary = 10, "glucose_capillary", MgPerDl, "Glucose in blood at one moment, fingerstick or laboratory, mg/dL (LOINC 41653-7).";
    Weight = 11, "weight", Kilogram, "Body weight, kg (LOINC 29463-7).";
    Height = 12, "height", Centimetre, "Body height, cm (LOINC 8302-2).";
    Steps = 13, "steps", One, "Steps of the interval that ends at the instant.";
    SleepDuration = 14, "sleep_duration", Minute, "Sleep, min (LOINC 93832-4).";
    HrvSdnn = 15, "hrv_sdnn", Millisecond, "Heart rate variability, SDNN, ms (LOINC 80404-7).";
    HrvRmssd = 16, "hrv_rmssd", Millisecond, "Heart rate variability, RMSSD, ms; never mixed with SDNN.";
    SupplementalOxygen = 17, "supplemental_oxygen", LitrePerMinute, "Supplemental oxygen, L/min; 0 is room air.";
    Consciousness = 18, "consciousness", Acvpu, "Level of consciousness, one of A C V P U.";
    Battery = 19, "battery", Percent, "The device's battery, %.";
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! units {
    ($($variant:ident = $code:literal, $ucum:literal;)+) => {
        /// A unit that a value may arrive in. The number is the stored form and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Unit { $(#[doc = concat!("`", $ucum, "`")] $variant = $code,)+ }

        impl Unit {
            /// The stored number.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// From the stored number.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// From the UCUM code.
            #[must_use]
            pub fn from_ucum(code: &str) -> Option<Self> {
                match code { $($ucum => Some(Self::$variant),)+ _ => None }
            }

            /// The UCUM code (`1` for counts, `A C V P U` for consciousness).
            #[must_use]
            pub const fn ucum(self) -> &'static str {
                match self { $(Self::$variant => $ucum,)+ }
            }
        }
    };
}

units! {
    PerMinute = 1, "/min";
    Percent = 2, "%";
    Celsius = 3, "Cel";
    MillimetreHg = 4, "mm[Hg]";
    MgPerDl = 5, "mg/dL";
    Kilogram = 6, "kg";
    Centimetre = 7, "cm";
    One = 8, "1";
    Minute = 9, "min";
    Millisecond = 10, "ms";
    LitrePerMinute = 11, "L/min";
    Acvpu = 12, "A C V P U";
    Fahrenheit = 20, "[degF]";
    Kelvin = 21, "K";
    MmolPerL = 22, "mmol/L";
    Gram = 23, "g";
    Pound = 24, "[lb_av]";
    Inch = 25, "[in_i]";
    Metre = 26, "m";
    Kilopascal = 27, "kPa";
    Pascal = 28, "Pa";
    Hour = 29, "h";
    Second = 30, "s";
    PerSecond = 31, "/s";
    Ratio = 32, "{ratio}";
    Foot = 33, "[ft_i]";
}

/// What is to be known of a reading beside its value. Stored; a bit never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// Outside the suspect band of its signal: stored, shown and judged, alone never above yellow.
    pub const SUSPECT: Self = Self(1);
    /// The number fits another unit better than the one it came with.
    pub const UNIT_SUSPECT: Self = Self(2);
    /// The sensor reported `LOW`: below what it can measure. The value is [`SENTINEL_LOW`], a mark below every
    /// threshold and not a measurement: averages, charts and exports leave it out.
    pub const LOW: Self = Self(4);
    /// The sensor reported `HIGH`: above what it can measure. The value is [`SENTINEL_HIGH`], a mark above every
    /// threshold and not a measurement: averages, charts and exports leave it out.
    pub const HIGH: Self = Self(8);
    /// Came without an instant of its own and was stamped on receipt.
    pub const STAMPED: Self = Self(16);
    /// Stands in place of another value that was found wrong. Never stored: it is set when the reading is read.
    pub const CORRECTED: Self = Self(64);

    /// Whether the value, or the unit that it came in, is too odd to be believed alone: to be measured again.
    #[must_use]
    pub const fn is_suspect(self) -> bool {
        self.has(Self::SUSPECT) || self.has(Self::UNIT_SUSPECT)
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These bits but for those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names of the bits, as the API lists them.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        [
            (Self::SUSPECT, "suspect"),
            (Self::UNIT_SUSPECT, "unit_suspect"),
            (Self::LOW, "low"),
            (Self::HIGH, "high"),
            (Self::STAMPED, "stamped_on_receipt"),
            (Self::CORRECTED, "corrected"),
        ]
        .into_iter()
        .filter_map(|(bit, name)| self.has(bit).then_some(name))
        .collect()
    }
}

/// One measured value. `value` is as it was sent, in `unit`; [`Reading::canonical`] is what rules compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub signal: Signal,
    /// When it was measured.
    pub at: Instant,
    /// The value as sent, in `unit`.
    pub value: f64,
    /// The unit it was sent in.
    pub unit: Unit,
    /// What else is known of it.
    pub flags: Flags,
}

/// What a `LOW` reading holds, in mg/dL: below 54, below the hard bound of 10, and no glucose of a living person.
pub const SENTINEL_LOW: f64 = 0.0;

/// What a `HIGH` reading holds, in mg/dL: above 250, above the hard bound of 900.8, and beyond every sensor.
pub const SENTINEL_HIGH: f64 = 10_000.0;

/// The letters of consciousness, at the index of their stored number.
pub const CONSCIOUSNESS: [&str; 5] = ["A", "C", "V", "P", "U"];

/// Mass concentration of glucose: 1 mmol/L in mg/dL (clinical reference 4b).
pub const MG_PER_DL_PER_MMOL_PER_L: f64 = 18.016;

impl Reading {
    /// Whether the value stands for `LOW` or `HIGH` and measures nothing.
    #[must_use]
    pub const fn is_sentinel(&self) -> bool {
        self.flags.has(Flags::LOW) || self.flags.has(Flags::HIGH)
    }

    /// The letter of a level of consciousness; `None` for every other signal.
    #[must_use]
    pub fn letter(&self) -> Option<&'static str> {
        let mut numbered = (0_u8..).zip(CONSCIOUSNESS);
        let is_this = |(n, _): &(u8, &str)| f64::from(*n).total_cmp(&self.value).is_eq();
        if self.signal == Signal::Consciousness {
            numbered.find(is_this).map(|(_, letter)| letter)
        } else {
            None
        }
    }

    /// The value in the signal's canonical unit ([`Signal::unit`]). Deterministic: the same reading
    /// always gives the same bits.
    #[must_use]
    pub fn canonical(&self) -> f64 {
        let v = self.value;
        match (self.unit, self.signal.unit()) {
            (Unit::Fahrenheit, Unit::Celsius) => (v - 32.0) * 5.0 / 9.0,
            (Unit::Kelvin, Unit::Celsius) => v - 273.15,
            (Unit::MmolPerL, Unit::MgPerDl) => v * MG_PER_DL_PER_MMOL_PER_L,
            (Unit::Gram, Unit::Kilogram) => v / 1_000.0,
            (Unit::Pound, Unit::Kilogram) => v * 0.453_592_37,
            (Unit::Inch, Unit::Centimetre) => v * 2.54,
            (Unit::Foot, Unit::Centimetre) => v * 30.48,
            (Unit::Metre, Unit::Centimetre) => v * 100.0,
            (Unit::Kilopascal, Unit::MillimetreHg) => v * 7.500_616_827,
            (Unit::Pascal, Unit::MillimetreHg) => v * 0.007_500_616_827,
            (Unit::Hour, Unit::Minute) => v * 60.0,
            (Unit::Second, Unit::Minute) => v / 60.0,
            (Unit::Second, Unit::Millisecond) => v * 1_000.0,
            (Unit::PerSecond, Unit::PerMinute) => v * 60.0,
            (Unit::Ratio, Unit::Percent) => v * 100.0,
            _ => v,
        }
    }

    /// Whether both hold the same value, in whichever units.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.canonical().total_cmp(&other.canonical()).is_eq() && self.is_sentinel() == other.is_sentinel()
    }

    /// Whether [`Reading::canonical`] knows the way from `unit` to the signal's own.
    #[must_use]
    pub const fn convertible(signal: Signal, unit: Unit) -> bool {
        if unit.code() == signal.unit().code() {
            return true;
        }
        matches!(
            (unit, signal.unit()),
            (Unit::Fahrenheit | Unit::Kelvin, Unit::Celsius)
                | (Unit::MmolPerL, Unit::MgPerDl)
                | (Unit::Gram | Unit::Pound, Unit::Kilogram)
                | (Unit::Inch | Unit::Foot | Unit::Metre, Unit::Centimetre)
                | (Unit::Kilopascal | Unit::Pascal, Unit::MillimetreHg)
                | (Unit::Hour | Unit::Second, Unit::Minute)
                | (Unit::Second, Unit::Millisecond)
                | (Unit::PerSecond, Unit::PerMinute)
                | (Unit::Ratio, Unit::Percent)
        )
    }
}

/// What a source says was entered in error: its own reading of a signal at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Withdrawal {
    /// What was measured.
    pub signal: Signal,
    /// When.
    pub at: Instant,
    /// The value that is taken back; `None`: whichever is in force.
    pub value: Option<Reading>,
}

/// A reading together with the device that measured it: its identity inside one patient's story is
/// (signal, instant, device).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The reading.
    pub reading: Reading,
    /// Who measured it.
    pub device: DeviceId,
}
