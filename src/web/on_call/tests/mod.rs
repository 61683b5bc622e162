//! Schedules over the API: written with a version, answered by the version in force then, followed from elsewhere.

pub(crate) mod around;
pub(crate) mod pages;

use crate::tests::*;

pub(crate) fn written(people: &[UserId]) -> Value {
    json!({
        "name": { "pt": "Plantão", "en": "On call" },
        "need": { "certificate": true, "most_hours_in_a_week": 168 },
        "zone": "America/Sao_Paulo",
        "rotations": [{
            "name": "Semana", "starts": "2026-11-16T08:00:00", "lengths": [{ "weeks": 1 }], "people": people,
        }],
    })
}

impl House {
    pub(crate) fn put(&self, who: &str, path: &str, seen: Option<&str>, body: &Value) -> Got {
        let mut headers = vec![("authorization", who)];
        headers.extend(seen.map(|seen| ("if-match", seen)));
        self.call("PUT", path, &headers, Some(&body.to_string()))
    }
}

#[test]
pub(crate) fn a_schedule_is_written_with_its_version_and_says_what_it_leaves_open() {
    for house in houses() {
        let (manager, agent) = (house.staff(Role::Manager), house.staff(Role::Agent));
        let (ana, bia) = (house.user(Role::Clinician, None), house.user(Role::Clinician, None));
        house.write(|tx| store::escalation::paging::send_e_mail(tx, true));
        let path = "/api/v1/schedules/nights";
        let body = written(&[ana, bia]);
        assert_eq!(house.put(&manager, path, None, &body).code(), "E_PRECONDITION_REQUIRED");
        assert_eq!(house.put(&agent, path, Some("\"0\""), &body).code(), "E_ROLE");
        let made = house.put(&manager, path, Some("\"0\""), &body).must(200);
        assert_eq!(made["version"], 1);
        assert_eq!(made["issues"][0]["kind"], "nobody_certified", "{made}");
        assert_eq!(house.put(&manager, path, Some("\"0\""), &body).code(), "E_PRECONDITION");
        for user in [ana, bia] {
            let until = json!({ "valid_until": "2027-06-01T00:00:00Z" });
            let fit =
                house.put(&manager, &format!("/api/v1/users/{user}/certificate"), None, &until).must(200);
            assert_eq!(fit["valid"], true);
        }
        let open = house.get(&agent, &format!("{path}/issues")).must(200);
        assert_eq!(open["items"], json!([]));
        let got = house.get(&agent, path);
        assert_eq!(got.tag.as_deref(), Some("\"1\""));
        let seen = got.must(200);
        assert_eq!(seen["on_call"], json!([{ "user_id": ana, "because": { "rotation": 0 } }]));
        assert_eq!(seen["next_handover_at"], "2026-11-23T11:00:00.000Z");
        let mut wrong = written(&[ana]);
        wrong["rotations"][0]["lengths"] = json!([{ "hours": 0 }]);
        assert_eq!(house.put(&manager, path, Some("\"1\""), &wrong).code(), "E_INVALID");
        assert_eq!(house.put(&manager, "/api/v1/schedules/A%20b", Some("\"0\""), &body).code(), "E_INVALID");
    }
}

#[test]
pub(crate) fn overrides_and_temporary_schedules_are_new_versions_and_the_past_stays() {
    for house in houses() {
        let manager = house.staff(Role::Manager);
        let people: Vec<UserId> = (0..3).map(|_| house.user(Role::Clinician, None)).collect();
        let path = "/api/v1/schedules/nights";
        house.put(&manager, path, Some("\"0\""), &written(&people[..1])).must(200);
        let began = house.now();
        house.clock.advance(Duration::from_secs(3_600));
        let manager = house.staff(Role::Manager);
        let now = house.now();
        let hours = |n: u64| now.plus(Duration::from_secs(3_600 * n));
        let over = json!({ "from": now, "to": hours(2), "remove": people[0], "add": people[1] });
        let made = house.post(&manager, &format!("{path}/overrides"), &over).must(201);
        assert_eq!(made["version"], 2);
        let own = [json!({ "user_id": people[2], "from": hours(3), "to": hours(4) })];
        let own = json!({ "from": hours(3), "to": hours(5), "shifts": own });
        let made = house.post(&manager, &format!("{path}/temporaries"), &own).must(201);
        assert_eq!(made["issues"][0]["kind"], "gap", "{made}");
        let at = |at: Instant| {
            let answer = house.get(&manager, &format!("{path}/on-call?at={at}")).must(200);
            let on_call = answer["on_call"].as_array().unwrap().iter();
            (answer["version"].clone(), on_call.map(|one| one["user_id"].clone()).collect::<Vec<_>>())
        };
        assert_eq!(at(began), (json!(1), vec![json!(people[0])]), "it was her, whatever was changed later");
        assert_eq!(at(hours(1)), (json!(3), vec![json!(people[1])]));
        assert_eq!(at(hours(3)), (json!(3), vec![json!(people[2])]));
        assert_eq!(at(hours(4)).1, Vec::<Value>::new());
        let window = format!("{path}/shifts?from={began}&to={}", hours(6));
        let shifts = house.get(&manager, &window).must(200);
        assert_eq!(shifts["items"][0]["user_id"], json!(people[0]));
        let wide = format!("{path}/shifts?from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z");
        assert_eq!(house.get(&manager, &wide).code(), "E_INVALID");
        let nothing = json!({ "from": now, "to": hours(2) });
        assert_eq!(house.post(&manager, &format!("{path}/overrides"), &nothing).code(), "E_INVALID");
        let before = house.get(&manager, &format!("{path}/on-call?at=2020-01-01T00:00:00Z"));
        assert_eq!(before.status, 404);
    }
}

#[test]
pub(crate) fn overrides_are_seen_changed_and_taken_back_by_their_place_in_the_version_that_was_seen() {
    for house in houses() {
        let (manager, agent) = (house.staff(Role::Manager), house.staff(Role::Agent));
        let people: Vec<UserId> = (0..3).map(|_| house.user(Role::Clinician, None)).collect();
        let path = "/api/v1/schedules/nights";
        house.put(&manager, path, Some("\"0\""), &written(&people[..1])).must(200);
        let hours = |n: u64| house.now().plus(Duration::from_secs(3_600 * n));
        let over = |n: u64, add: UserId| json!({ "from": hours(n), "to": hours(n + 1), "add": add });
        for n in 1..4 {
            house.post(&manager, &format!("{path}/overrides"), &over(n, people[1])).must(201);
        }
        let list = house.get(&agent, &format!("{path}/overrides"));
        assert_eq!(list.tag.as_deref(), Some("\"4\""));
        let items = list.must(200)["items"].clone();
        let shown = json!({ "place": 1, "from": hours(2), "to": hours(3), "add": people[1], "remove": null });
        assert_eq!((items.as_array().unwrap().len(), &items[1]), (3, &shown));
        let second = format!("{path}/overrides/1");
        let changed = over(2, people[2]);
        assert_eq!(house.put(&manager, &second, None, &changed).code(), "E_PRECONDITION_REQUIRED");
        assert_eq!(house.put(&manager, &second, Some("\"3\""), &changed).code(), "E_PRECONDITION");
        assert_eq!(house.put(&agent, &second, Some("\"4\""), &changed).code(), "E_ROLE");
        assert_eq!(house.put(&manager, &second, Some("\"4\""), &changed).must(200)["version"], 5);
        let take = |who: &str, tag: &str, place: u32| {
            let headers = [("authorization", who), ("if-match", tag)];
            house.call("DELETE", &format!("{path}/overrides/{place}"), &headers, None)
        };
        assert_eq!(take(&manager, "\"4\"", 0).code(), "E_PRECONDITION", "another may stand there by now");
        assert_eq!(take(&manager, "\"5\"", 7).code(), "E_NOT_FOUND");
        assert_eq!(take(&manager, "\"5\"", 0).must(200)["version"], 6);
        let left = house.get(&agent, &format!("{path}/overrides")).must(200)["items"].clone();
        let comes: Vec<&Value> = left.as_array().unwrap().iter().map(|one| &one["add"]).collect();
        assert_eq!(comes, [&json!(people[2]), &json!(people[1])]);
        // The same for temporary schedules.
        let own = |user: UserId| {
            let shifts = json!([{ "user_id": user, "from": hours(9), "to": hours(10) }]);
            json!({ "from": hours(9), "to": hours(10), "shifts": shifts })
        };
        house.post(&manager, &format!("{path}/temporaries"), &own(people[1])).must(201);
        let first = format!("{path}/temporaries/0");
        house.put(&manager, &first, Some("\"7\""), &own(people[2])).must(200);
        let list = house.get(&agent, &format!("{path}/temporaries")).must(200);
        assert_eq!(list["items"][0]["shifts"][0]["user_id"], json!(people[2]));
        let headers = [("authorization", manager.as_str()), ("if-match", "\"8\"")];
        assert_eq!(house.call("DELETE", &first, &headers, None).must(200)["version"], 9);
    }
}

#[test]
pub(crate) fn what_is_hardly_meant_is_refused_until_somebody_is_sure_and_what_is_over_always() {
    for house in houses() {
        let manager = house.staff(Role::Manager);
        let people: Vec<UserId> = (0..3).map(|_| house.user(Role::Clinician, None)).collect();
        let path = "/api/v1/schedules/nights";
        house.put(&manager, path, Some("\"0\""), &written(&people[..1])).must(200);
        let days = |n: u64| house.now().plus(Duration::from_secs(86_400 * n));
        let all = format!("{path}/overrides");
        let asked = |body: &Value| {
            let answer = house.post(&manager, &all, body);
            let doubts = answer.body["doubts"].as_array().cloned().unwrap_or_default();
            (answer.code().to_owned(), doubts.into_iter().map(|one| one["kind"].clone()).collect::<Vec<_>>())
        };
        let far = json!({ "from": days(366), "to": days(367), "add": people[1] });
        assert_eq!(asked(&far), ("E_DOUBT".into(), vec![json!("far_ahead")]));
        let long = json!({ "from": days(1), "to": days(366), "add": people[1], "remove": people[0] });
        assert_eq!(asked(&long), ("E_DOUBT".into(), vec![json!("long")]));
        let nobody = json!({ "from": days(1), "to": days(2), "add": people[1], "remove": people[2] });
        assert_eq!(asked(&nobody), ("E_DOUBT".into(), vec![json!("not_on_call")]));
        assert_eq!(house.get(&manager, &all).must(200)["items"], json!([]), "nothing was put in force");
        let mut sure = nobody;
        sure["sure"] = json!(true);
        house.post(&manager, &all, &sure).must(201);
        let before = house.now().minus(Duration::from_secs(86_400 * 300));
        let mut over = json!({ "from": before, "to": house.now(), "add": people[1], "sure": true });
        assert_eq!(asked(&over), ("E_INVALID".into(), vec![]), "it would be left out in silence");
        over["to"] = json!(days(1));
        house.post(&manager, &all, &over).must(201);
        let own = json!({ "from": days(400), "to": days(401), "shifts": [] });
        assert_eq!(house.post(&manager, &format!("{path}/temporaries"), &own).code(), "E_DOUBT");
    }
}

/// A rotation is fair unless it says otherwise, and what was sent comes back.
#[test]
pub(crate) fn a_rotation_that_says_nothing_of_idle_turns_skips_them() {
    for house in houses() {
        let (manager, ana) = (house.staff(Role::Manager), house.user(Role::Clinician, None));
        let path = "/api/v1/schedules/nights";
        let mut body = written(&[ana]);
        body["need"]["averaged_weeks"] = json!(2);
        body["rotations"][0]["lengths"] = json!([{ "months": 1 }]);
        house.put(&manager, path, Some("\"0\""), &body).must(200);
        let seen = house.get(&manager, path).must(200);
        assert_eq!(seen["schedule"]["rotations"][0]["idle_turns"], "skipped");
        assert_eq!(seen["need"]["averaged_weeks"], 2);
        body["rotations"][0]["idle_turns"] = json!("counted");
        house.put(&manager, path, Some("\"1\""), &body).must(200);
        let seen = house.get(&manager, path).must(200);
        assert_eq!(seen["schedule"]["rotations"][0]["idle_turns"], "counted");
    }
}

#[test]
pub(crate) fn two_people_swap_a_turn_and_a_manager_records_an_absence_over_the_api() {
    for house in houses() {
        let manager = house.staff(Role::Manager);
        let people: Vec<UserId> = (0..3).map(|_| house.user(Role::Clinician, None)).collect();
        let enter = |place: usize| house.enter(people[place], Role::Clinician);
        let (ana, bia) = (enter(0), enter(1));
        let path = "/api/v1/schedules/nights";
        let mut body = written(&people[..2]);
        body["need"]["certificate"] = json!(false);
        body["rotations"][0]["lengths"] = json!([{ "hours": 12 }]);
        house.put(&manager, path, Some("\"0\""), &body).must(200);
        let turns =
            format!("/api/v1/users/{}/turns?from={}&to={}", people[0], house.now(), "2026-11-25T00:00:00Z");
        let mine = house.get(&ana, &turns).must(200)["items"].clone();
        let (from, to) = (&mine[1]["from"], &mine[1]["to"]);
        let swaps = format!("{path}/swaps");
        let asked = house.post(&ana, &swaps, &json!({ "from": from, "to": to, "taker": people[1] }));
        // Twelve hours of hers, and twelve hours of his follow: he is not on call in hers.
        let asked = asked.must(201);
        assert_eq!((&asked["giver"], &asked["taker"]), (&json!(people[0]), &json!(people[1])));
        assert_eq!(house.get(&bia, &swaps).must(200)["items"].as_array().unwrap().len(), 1);
        let say = |who: &str, word: &str| {
            let address = format!("/api/v1/swaps/{}/{word}", asked["id"].as_str().unwrap());
            house.call("POST", &address, &[("authorization", who)], None)
        };
        assert_eq!(say(&manager, "accept").code(), "E_ROLE", "it is not a manager's");
        assert_eq!(say(&ana, "decline").code(), "E_ROLE");
        say(&bia, "accept").must(200);
        assert_eq!(say(&bia, "accept").code(), "E_NOT_FOUND");
        let at = from.as_str().unwrap();
        let there = house.get(&bia, &format!("{path}/on-call?at={at}")).must(200);
        assert_eq!(there["on_call"][0]["user_id"], json!(people[1]));
        assert_eq!(house.get(&bia, &swaps).must(200)["items"], json!([]));
        // Bia is away for a day; Caio stands in for the first of the turns, the rest is reported.
        let away = json!({ "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z" });
        let address = format!("/api/v1/users/{}", people[1]);
        let year = json!({ "from": "2027-11-24T00:00:00Z", "to": "2027-11-25T00:00:00Z" });
        assert_eq!(house.post(&manager, &format!("{address}/absences"), &year).code(), "E_DOUBT");
        assert_eq!(house.post(&ana, &format!("{address}/absences"), &away).code(), "E_ROLE");
        // Whatever somebody is sure of: not in the year 9999, and not of somebody who is on call nowhere.
        let slip = json!({ "from": "9999-11-24T00:00:00Z", "to": "9999-11-25T00:00:00Z", "sure": true });
        let refused = house.post(&manager, &format!("{address}/absences"), &slip);
        assert_eq!((refused.code(), &refused.body["field"]), ("E_INVALID", &json!("ahead")));
        let auditor = house.user(Role::Auditor, None);
        let refused = house.post(&manager, &format!("/api/v1/users/{auditor}/absences"), &away);
        assert_eq!((refused.status, refused.code()), (422, "E_INVALID"));
        assert!(refused.body["reason"].as_str().unwrap().contains("takes no calls"), "{}", refused.body);
        let turns = format!("{address}/turns?from=2026-11-24T00:00:00Z&to=2026-11-25T00:00:00Z");
        let hers = house.get(&manager, &turns).must(200)["items"].clone();
        let mut cover = hers[0].clone();
        cover["user_id"] = json!(people[2]);
        let mut away = away;
        away["cover"] = json!([cover]);
        let noted = house.post(&manager, &format!("{address}/absences"), &away).must(201);
        assert_eq!(noted["schedules"], json!(["nights"]));
        let left = noted["uncovered"].as_array().unwrap();
        assert_eq!(left.len(), hers.as_array().unwrap().len() - 1, "{noted} {hers}");
        assert_eq!(house.get(&manager, &turns).must(200)["items"], json!([]));
        // A schedule written whole afterwards, and an override, do not put Bia there unasked.
        let version = house.get(&manager, path).must(200)["version"].to_string();
        house.put(&manager, path, Some(&format!("\"{version}\"")), &body).must(200);
        assert_eq!(house.get(&manager, &turns).must(200)["items"], json!([]));
        let over = json!({ "from": "2026-11-24T00:00:00Z", "to": "2026-11-24T01:00:00Z", "add": people[1] });
        let asked = house.post(&manager, &format!("{path}/overrides"), &over);
        assert_eq!(asked.code(), "E_DOUBT");
        let absent = |doubt: &Value| doubt["kind"] == "absent" && doubt["user_id"] == json!(people[1]);
        assert!(asked.body["doubts"].as_array().unwrap().iter().any(absent), "{}", asked.body);
        let mut sure = over;
        sure["sure"] = json!(true);
        house.post(&manager, &format!("{path}/overrides"), &sure).must(201);
        assert_eq!(house.get(&manager, &turns).must(200)["items"].as_array().unwrap().len(), 1);
    }
}

#[test]
pub(crate) fn people_note_their_own_absence_over_the_api_change_it_and_take_it_back() {
    for house in houses() {
        let manager = house.staff(Role::Manager);
        let [own, other] = [(); 2].map(|()| house.user(Role::Clinician, None));
        let (ana, bia) = (house.enter(own, Role::Clinician), house.enter(other, Role::Clinician));
        let path = "/api/v1/schedules/nights";
        let mut body = written(&[own]);
        body["need"]["certificate"] = json!(false);
        house.put(&manager, path, Some("\"0\""), &body).must(200);
        let away = json!({ "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z" });
        let mine = format!("/api/v1/users/{own}/absences");
        let mut covered = away.clone();
        let cover = json!({ "schedule": "nights", "user_id": other });
        covered["cover"] = json!([cover]);
        covered["cover"][0]["from"] = away["from"].clone();
        covered["cover"][0]["to"] = away["to"].clone();
        assert_eq!(house.post(&ana, &mine, &covered).code(), "E_ROLE", "nobody puts a colleague on call so");
        assert_eq!(house.post(&bia, &mine, &away).code(), "E_ROLE");
        let headers = [("authorization", ana.as_str()), ("idempotency-key", "ferias")];
        let noted = house.call("POST", &mine, &headers, Some(&away.to_string())).must(201);
        assert_eq!(
            house.call("POST", &mine, &headers, Some(&away.to_string())).must(201),
            noted,
            "the kept answer"
        );
        assert!(!noted["uncovered"].as_array().unwrap().is_empty(), "{noted}");
        let listed = house.get(&bia, "/api/v1/absences").must(200)["items"].clone();
        assert_eq!((&listed[0]["id"], &listed[0]["user_id"]), (&noted["id"], &json!(own)));
        // Another that meets it: the one that stands is named.
        let longer = json!({ "from": "2026-11-23T00:00:00Z", "to": "2026-11-25T00:00:00Z" });
        let met = house.post(&ana, &mine, &longer);
        assert_eq!((met.status, met.code()), (409, "E_CONFLICT"));
        assert_eq!((&met.body["absence"], &met.body["from"]), (&noted["id"], &listed[0]["from"]));
        let one = format!("/api/v1/absences/{}", noted["id"].as_str().unwrap());
        let shorter = json!({ "from": "2026-11-24T00:00:00Z", "to": "2026-11-24T12:00:00Z" });
        assert_eq!(house.put(&bia, &one, None, &shorter).code(), "E_ROLE");
        house.put(&ana, &one, None, &shorter).must(200);
        assert_eq!(
            house.get(&bia, "/api/v1/absences").must(200)["items"][0]["to"],
            "2026-11-24T12:00:00.000Z"
        );
        let gone = |who: &str| house.call("DELETE", &one, &[("authorization", who)], None);
        assert_eq!(gone(&bia).code(), "E_ROLE");
        assert_eq!(gone(&manager).status, 204);
        assert_eq!(gone(&ana).code(), "E_NOT_FOUND");
        let heard = house.get(&manager, "/api/v1/messages").must(200);
        assert!(heard.to_string().contains("absence"), "{heard}");
        // Ana fell ill a minute ago: the turns as they are listed, with whoever stands in, and nothing is left open.
        let (from, to) =
            (house.now().minus(Duration::from_secs(60)), house.now().plus(Duration::from_secs(7_200)));
        let turns = format!("/api/v1/users/{own}/turns?from={from}&to={to}");
        let mut cover = house.get(&manager, &turns).must(200)["items"].clone();
        cover.as_array_mut().unwrap().iter_mut().for_each(|turn| turn["user_id"] = json!(other));
        let ill = json!({ "from": from, "to": to, "cover": cover });
        assert_eq!(house.post(&manager, &mine, &ill).must(201)["uncovered"], json!([]));
        let there = house.get(&bia, &format!("{path}/on-call?at={}", house.now())).must(200);
        assert_eq!(there["on_call"][0]["user_id"], json!(other));
    }
}

#[test]
pub(crate) fn nobody_is_put_on_call_who_could_not_answer() {
    for house in houses() {
        let (manager, ana) = (house.staff(Role::Manager), house.user(Role::Clinician, None));
        let path = "/api/v1/schedules/nights";
        house.put(&manager, path, Some("\"0\""), &written(&[ana])).must(200);
        let hours = |n: u64| house.now().plus(Duration::from_secs(3_600 * n));
        let patient = house.patient("Bia").id;
        let unable = [
            house.user(Role::Auditor, None),
            house.user(Role::Dpo, None),
            house.user(Role::Admin, None),
            house.user(Role::Service, None),
            house.user(Role::Patient, Some(patient)),
        ];
        for user in unable {
            let added = json!({ "from": hours(1), "to": hours(2), "add": user });
            let instead = json!({ "from": hours(1), "to": hours(2), "add": user, "remove": ana });
            for over in [added, instead] {
                let refused = house.post(&manager, &format!("{path}/overrides"), &over);
                assert_eq!((refused.status, refused.code()), (422, "E_INVALID"), "{}", refused.body);
            }
            let own = json!([{ "user_id": user, "from": hours(3), "to": hours(4) }]);
            let own = json!({ "from": hours(3), "to": hours(5), "shifts": own });
            let refused = house.post(&manager, &format!("{path}/temporaries"), &own);
            assert_eq!((refused.status, refused.code()), (422, "E_INVALID"), "{}", refused.body);
            let mut whole = written(&[ana]);
            let change = json!({ "replace": [ana, user] });
            whole["overrides"] = json!([{ "from": hours(1), "to": hours(2), "change": change }]);
            let refused = house.put(&manager, path, Some("\"1\""), &whole);
            assert_eq!((refused.status, refused.code()), (422, "E_INVALID"), "{}", refused.body);
            let team = json!({ "name": { "pt": "Frente", "en": "Front" }, "members": [user] });
            assert_eq!(house.put(&manager, "/api/v1/teams/front", Some("\"0\""), &team).status, 422);
        }
        let over = json!({ "from": hours(1), "to": hours(2), "add": house.user(Role::Agent, None) });
        house.post(&manager, &format!("{path}/overrides"), &over).must(201);
    }
}

#[test]
pub(crate) fn a_feed_is_read_without_a_sign_in_shows_first_names_and_ends_when_it_is_ended() {
    for house in houses() {
        let (manager, ana) = (house.staff(Role::Manager), house.user(Role::Clinician, None));
        let path = "/api/v1/schedules/nights";
        house.put(&manager, path, Some("\"0\""), &written(&[ana])).must(200);
        let made = house.post(&manager, &format!("{path}/feed"), &json!({})).must(201);
        let address = made["path"].as_str().unwrap().to_owned();
        let read = |address: &str| house.call("GET", address, &[], None);
        let text = read(&address).must(200);
        let text = text.as_str().unwrap();
        assert!(
            text.starts_with("BEGIN:VCALENDAR\r\n") && text.contains("SUMMARY:clinician · Plantão"),
            "{text}"
        );
        assert!(!text.contains(&ana.to_string()) && !text.contains('@') || text.contains("@zelo"), "{text}");
        assert_eq!(read(&format!("{path}/calendar.ics")).status, 404);
        // Whoever holds it is told that nothing is new, and may ask for the head alone, until the schedule changes.
        let tag = read(&address).tag.unwrap();
        let again = |method| house.call(method, &address, &[("if-none-match", tag.as_str())], None);
        assert_eq!((again("GET").status, again("HEAD").status), (304, 304));
        house.clock.advance(Duration::from_secs(60));
        assert_eq!((again("GET").status, read(&address).tag.as_ref()), (304, Some(&tag)));
        let head = house.call("HEAD", &address, &[], None);
        assert_eq!((head.status, head.tag.as_ref()), (200, Some(&tag)));
        assert!(text.contains("SEQUENCE:1\r\n") && text.contains("LAST-MODIFIED:"), "{text}");
        house.put(&manager, path, Some("\"1\""), &written(&[ana])).must(200);
        assert_eq!(again("GET").status, 200);
        assert!(read(&address).must(200).as_str().unwrap().contains("SEQUENCE:2\r\n"));
        // Who is away is on it no more, and programs that keep what they hold see that it changed.
        let whole = json!({ "from": house.now(), "to": house.now().plus(Duration::from_secs(390 * 86_400)), "sure": true });
        house.post(&manager, &format!("/api/v1/users/{ana}/absences"), &whole).must(201);
        let away = read(&address).must(200);
        assert!(away.as_str().unwrap().matches("BEGIN:VEVENT").count() < 2, "{away}");
        assert!(!away.as_str().unwrap().contains("SEQUENCE:2\r\n"), "{away}");
        let other = address.replace("nights", "days");
        assert_eq!(read(&other).status, 404);
        let ended = house.call("DELETE", &format!("{path}/feed"), &[("authorization", &manager)], None);
        assert_eq!((ended.status, read(&address).status), (204, 404));
    }
}

#[test]
pub(crate) fn capacity_is_told_with_its_reserve_and_teams_are_kept() {
    for house in houses() {
        let (manager, agent) = (house.staff(Role::Manager), house.user(Role::Agent, None));
        let path = format!("/api/v1/users/{agent}/capacity");
        assert_eq!(house.put(&manager, &path, None, &json!({ "most": 20 })).status, 204);
        assert_eq!(house.put(&manager, &path, None, &json!({ "most": 501 })).code(), "E_INVALID");
        let capacity = house.get(&manager, "/api/v1/on-call/capacity").must(200);
        let people = capacity["people"].as_array().unwrap();
        let mine = people.iter().find(|one| one["user_id"] == json!(agent)).unwrap();
        assert_eq!(
            (&mine["capacity"], &mine["ordinary_free"], &mine["red_free"]),
            (&json!(20), &json!(18), &json!(20))
        );
        let team = json!({ "name": { "pt": "Frente", "en": "Front" }, "members": [agent] });
        let made = house.put(&manager, "/api/v1/teams/front", Some("\"0\""), &team).must(200);
        assert_eq!((&made["version"], &made["members"]), (&json!(1), &json!([agent])));
        assert_eq!(house.get(&manager, "/api/v1/teams").must(200)["items"][0]["id"], "front");
        let gone = format!("/api/v1/users/{agent}/unreachable/email");
        let cleared = house.call("DELETE", &gone, &[("authorization", &manager)], None);
        assert_eq!(cleared.status, 204);
    }
}
