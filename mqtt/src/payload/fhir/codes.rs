//! Codes to signals: LOINC, the ISO/IEEE 11073 nomenclature of personal health devices, SNOMED CT.

/// What a code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One of our signals.
    Signal(&'static str),
    /// A statistic of one: a mean over days is not a measurement.
    Statistic(&'static str),
}

/// What a code of a system stands for here, if it is known.
pub(super) fn meaning(system: &str, code: &str) -> Option<Meaning> {
    match system {
        "http://loinc.org" => loinc(code),
        "urn:iso:std:iso:11073:10101" => mdc(code).map(Meaning::Signal),
        "http://snomed.info/sct" => snomed(code).map(Meaning::Signal),
        _ => None,
    }
}

/// LOINC (clinical reference 4d, US Core, and what meters, HealthKit exports and hospital records use).
///
/// Glucose in capillary blood, whole blood, serum and plasma are one signal: spot values of blood, held against the
/// thresholds that are defined for plasma, which is what meters report. Only a sensor's is interstitial.
fn loinc(code: &str) -> Option<Meaning> {
    Some(Meaning::Signal(match code {
        // By pulse oximetry, by palpation, beat to beat.
        "8867-4" | "8889-8" | "8893-0" | "76282-3" => "heart_rate",
        "40443-4" => "resting_heart_rate",
        "9279-1" => "respiratory_rate",
        "2708-6" | "59408-5" => "spo2",
        // Core, oral, rectal, axillary, tympanic, temporal.
        "8310-5" | "8329-5" | "8331-1" | "8332-9" | "8328-7" | "8333-7" | "75539-7" => "body_temperature",
        "39106-0" | "61008-9" => "skin_temperature",
        // Noninvasive, sitting, standing, supine.
        "8480-6" | "76534-7" | "8459-0" | "8460-8" | "8461-6" => "systolic_bp",
        "8462-4" | "76535-4" | "8453-3" | "8454-1" | "8455-8" => "diastolic_bp",
        "99504-3" | "105272-9" => "glucose",
        "41653-7" | "32016-8" | "14743-9" | "2339-0" | "2340-8" | "2341-6" | "15074-8" | "2345-7"
        | "14749-6" => "glucose_capillary",
        // What was measured; never what was stated or estimated.
        "29463-7" | "3141-9" => "weight",
        "8302-2" | "3137-7" | "8306-3" | "8308-9" => "height",
        "41950-7" | "55423-8" => "steps",
        "93832-4" => "sleep_duration",
        "80404-7" => "hrv_sdnn",
        "3151-8" => "supplemental_oxygen",
        "96608-5" => return Some(Meaning::Statistic("systolic_bp")),
        "96609-3" => return Some(Meaning::Statistic("diastolic_bp")),
        "97507-8" | "105273-7" => return Some(Meaning::Statistic("glucose")),
        _ => return None,
    }))
}

/// ISO/IEEE 11073-10101, as personal health devices code it (PHD implementation guide).
fn mdc(code: &str) -> Option<&'static str> {
    Some(match code {
        "149530" | "149546" | "147842" => "heart_rate",
        "151562" => "respiratory_rate",
        "150456" => "spo2",
        "150364" => "body_temperature",
        "150021" => "systolic_bp",
        "150022" => "diastolic_bp",
        "160184" => "glucose_capillary",
        "160212" => "glucose",
        "188736" => "weight",
        "188740" => "height",
        _ => return None,
    })
}

/// SNOMED CT's observable entities.
fn snomed(code: &str) -> Option<&'static str> {
    Some(match code {
        "364075005" => "heart_rate",
        "86290005" => "respiratory_rate",
        "431314004" => "spo2",
        "386725007" | "276885007" => "body_temperature",
        "271649006" => "systolic_bp",
        "271650006" => "diastolic_bp",
        "27113001" => "weight",
        "50373000" => "height",
        _ => return None,
    })
}
