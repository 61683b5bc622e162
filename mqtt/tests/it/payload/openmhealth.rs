//! Open mHealth: every schema that is read, the time frames, and what is not a reading.

use super::{fault, says, skips};

const AT: &str = r#""effective_time_frame":{"date_time":"2020-02-05T07:25:00-08:00"}"#;
const MICROS: &str = "1580916300000000";

fn point(schema: &str, body: &str) -> String {
    format!(
        r#"{{"header":{{"id":"243c773b-8936-407e-9c23-270d0ea49cc4","creation_date_time":"2020-02-05T15:26:00Z",
        "schema_id":{{"namespace":"omh","name":"{schema}","version":"2.0"}}}},"body":{{{body}}}}}"#
    )
}

#[test]
fn each_schema_gives_its_signals() {
    for (schema, body, signals) in [
        ("heart-rate", r#""heart_rate":{"value":67.5,"unit":"beats/min"}"#, "heart_rate 67.5 beats/min"),
        (
            "respiratory-rate",
            r#""respiratory_rate":{"value":12,"unit":"breaths/min"}"#,
            "respiratory_rate 12 breaths/min",
        ),
        ("oxygen-saturation", r#""oxygen_saturation":{"value":95,"unit":"%"}"#, "spo2 95 %"),
        ("blood-glucose", r#""blood_glucose":{"unit":"mg/dL","value":95}"#, "glucose 95 mg/dL"),
        (
            "blood-glucose",
            r#""blood_glucose":{"unit":"mmol/L","value":5.5},"specimen_source":"capillary blood""#,
            "glucose_capillary 5.5 mmol/L",
        ),
        (
            "body-temperature",
            r#""body_temperature":{"value":97,"unit":"F"},"measurement_location":"forehead""#,
            "body_temperature 97 F",
        ),
        (
            "body-temperature",
            r#""body_temperature":{"value":33,"unit":"C"},"measurement_location":"wrist""#,
            "skin_temperature 33 C",
        ),
        ("body-weight", r#""body_weight":{"value":70,"unit":"kg"}"#, "weight 70 kg"),
        ("body-height", r#""body_height":{"value":170,"unit":"cm"}"#, "height 170 cm"),
    ] {
        assert_eq!(
            says(&point(schema, &format!("{body},{AT}"))),
            [format!("{signals} @{MICROS}")],
            "{schema}"
        );
    }
}

#[test]
fn saturation_brings_its_oxygen_and_pressure_its_two_halves() {
    let oxygen = r#""oxygen_saturation":{"value":95,"unit":"%"},"supplemental_oxygen_flow_rate":{"value":2.5,"unit":"L/min"},
        "system":"peripheral capillary","measurement_method":"pulse oximetry""#;
    assert_eq!(
        says(&point("oxygen-saturation", &format!("{oxygen},{AT}"))),
        [format!("spo2 95 % @{MICROS}"), format!("supplemental_oxygen 2.5 L/min @{MICROS}")]
    );
    let pressure = r#""systolic_blood_pressure":{"value":140,"unit":"mmHg"},"body_posture":"sitting",
        "diastolic_blood_pressure":{"value":60,"unit":"mmHg"}"#;
    assert_eq!(
        says(&point("blood-pressure", &format!("{AT},{pressure}"))),
        [format!("systolic_bp 140 mmHg @{MICROS}"), format!("diastolic_bp 60 mmHg @{MICROS}")]
    );
}

#[test]
fn a_span_stands_at_its_end_however_it_is_written() {
    for interval in [
        r#""start_date_time":"2020-02-05T06:25:00-08:00","end_date_time":"2020-02-05T07:25:00-08:00""#,
        r#""start_date_time":"2020-02-05T06:25:00-08:00","duration":{"value":1,"unit":"h"}"#,
        r#""duration":{"value":3600,"unit":"sec"},"end_date_time":"2020-02-05T07:25:00-08:00""#,
    ] {
        let frame = format!(r#""effective_time_frame":{{"time_interval":{{{interval}}}}}"#);
        let steps = format!(r#""step_count":{{"value":10600,"unit":"steps"}},{frame}"#);
        assert_eq!(says(&point("step-count", &steps)), [format!("steps 10600 steps @{MICROS}")]);
        let sleep = format!(r#""sleep_duration":{{"value":7.5,"unit":"h"}},{frame}"#);
        assert_eq!(says(&point("sleep-duration", &sleep)), [format!("sleep_duration 7.5 h @{MICROS}")]);
        let mean = format!(
            r#""heart_rate":{{"value":70,"unit":"beats/min"}},"descriptive_statistic":"average",{frame}"#
        );
        assert_eq!(says(&point("heart-rate", &mean)), [format!("heart_rate 70 beats/min @{MICROS}")]);
    }
}

#[test]
fn statistics_of_a_span_days_and_foreign_schemas_are_not_readings() {
    let heart = r#""heart_rate":{"value":50,"unit":"beats/min"}"#;
    let day = r#""effective_time_frame":{"time_interval":{"start_date_time":"2020-02-05T06:00:00+01:00",
        "end_date_time":"2020-02-06T06:00:00+01:00"}}"#;
    for statistic in ["minimum", "average"] {
        let body = format!(r#"{heart},"descriptive_statistic":"{statistic}",{day}"#);
        assert_eq!(skips(&point("heart-rate", &body)), ["heart_rate Statistic"]);
    }
    let morning = r#""effective_time_frame":{"time_interval":{"date":"2020-02-05","part_of_day":"morning"}}"#;
    assert_eq!(skips(&point("heart-rate", &format!("{heart},{morning}"))), ["heart_rate Undated"]);
    assert_eq!(skips(&point("body-fat-percentage", "")), ["body-fat-percentage Unknown"]);
    let of = |specimen: &str| {
        let body =
            format!(r#""blood_glucose":{{"unit":"mg/dL","value":95}},"specimen_source":"{specimen}",{AT}"#);
        point("blood-glucose", &body)
    };
    assert_eq!(says(&of("serum")), [format!("glucose_capillary 95 mg/dL @{MICROS}")]);
    assert_eq!(skips(&of("tears")), ["blood_glucose Unknown"]);
}

#[test]
fn an_array_is_read_point_by_point_and_the_header_may_come_last() {
    let first = point("heart-rate", &format!(r#""heart_rate":{{"value":60,"unit":"beats/min"}},{AT}"#));
    let last = format!(
        r#"{{"body":{{"heart_rate":{{"value":61,"unit":"beats/min"}},{AT}}},"header":{{"schema_id":{{"name":"heart-rate"}}}}}}"#
    );
    assert_eq!(
        says(&format!("[{first},{last}]")),
        [format!("heart_rate 60 beats/min @{MICROS}"), format!("heart_rate 61 beats/min @{MICROS}")]
    );
}

#[test]
fn a_body_without_its_value_its_unit_or_its_time_is_malformed() {
    for (body, missing) in [
        (format!(r#""heart_rate":{{"unit":"beats/min"}},{AT}"#), "missing value"),
        (format!(r#""heart_rate":{{"value":60}},{AT}"#), "missing unit"),
        (r#""heart_rate":{"value":60,"unit":"beats/min"}"#.to_owned(), "missing effective_time_frame"),
        (AT.to_owned(), "missing heart_rate"),
        (
            r#""heart_rate":{"value":60,"unit":"beats/min"},"effective_time_frame":{"date_time":"yesterday"}"#.to_owned(),
            "an instant outside the contract",
        ),
        (
            r#""heart_rate":{"value":60,"value":61,"unit":"beats/min"}"#.to_owned(),
            "a key that was already given",
        ),
    ] {
        let fault = fault(&point("heart-rate", &body)).to_string();
        assert!(fault.starts_with(missing) && fault.contains(" at byte "), "{fault}");
    }
    let moment = point("step-count", &format!(r#""step_count":{{"value":600,"unit":"steps"}},{AT}"#));
    assert!(fault(&moment).to_string().starts_with("missing time_interval at byte "));
    assert_eq!(fault(r#"{"header":{},"body":{}}"#).to_string(), "missing header.schema_id at byte 0");
    assert_eq!(
        fault(r#"{"header":{"schema_id":{"name":"heart-rate"}}}"#).to_string(),
        "missing body at byte 0"
    );
}
