//! The templates that every clinic begins with.

use super::{Template, Words};
use crate::messages::Class;

type Seed = (&'static str, Class, [&'static str; 2], [&'static str; 2], [&'static str; 2]);

/// Id, class, then name, subject and text, each in Portuguese and English.
const SEEDS: [Seed; 32] = [
    (
        "page",
        Class::Clinical,
        ["Chamado", "Page"],
        ["Zelo: alguém espera por você", "Zelo: somebody waits for you"],
        [
            "Há um caso esperando por você desde {since}.\n\nEntre para ver e assumir: {link}\n",
            "A case has been waiting for you since {since}.\n\nSign in to see it and take it: {link}\n",
        ],
    ),
    (
        "page_repeat",
        Class::Clinical,
        ["Chamado repetido", "Repeated page"],
        [
            "Zelo: alguém ainda espera por você ({repetition})",
            "Zelo: somebody still waits for you ({repetition})",
        ],
        [
            "Repetição {repetition}: ninguém assumiu ainda. O caso espera desde {since}.\n\n\
             Entre para ver e assumir: {link}\n",
            "Repetition {repetition}: nobody has taken it yet. The case has been waiting since {since}.\n\n\
             Sign in to see it and take it: {link}\n",
        ],
    ),
    (
        "nobody_reached",
        Class::Clinical,
        ["Ninguém foi alcançado", "Nobody was reached"],
        ["Zelo: ninguém respondeu, é preciso agir", "Zelo: nobody answered, please act"],
        [
            "Todas as pessoas da escala foram chamadas e ninguém assumiu. O caso espera desde {since} e \
             fica com você até alguém assumir.\n\nEntre para ver e assumir: {link}\n",
            "Everybody on call was called and nobody took it. The case has been waiting since {since} and \
             stays with you until somebody takes it.\n\nSign in to see it and take it: {link}\n",
        ],
    ),
    (
        "cases",
        Class::Clinical,
        ["Casos que esperam juntos", "Cases that wait together"],
        [
            "Zelo: {count} casos esperam, o mais antigo desde {since}",
            "Zelo: {count} cases wait, the oldest since {since}",
        ],
        [
            "{count} casos esperam por você, o mais antigo desde {since}:\n\n{cases}\n\n\
             Entre para ver e assumir: {link}\n",
            "{count} cases wait for you, the oldest since {since}:\n\n{cases}\n\n\
             Sign in to see them and take them: {link}\n",
        ],
    ),
    (
        "unreachable",
        Class::Transactional,
        ["Pessoa fora de alcance", "Person out of reach"],
        [
            "Zelo: alguém da equipe não recebe mais e-mail",
            "Zelo: e-mail reaches somebody of the team no more",
        ],
        [
            "Desde {since} os e-mails a uma pessoa da equipe são recusados: a caixa não existe ou foi desativada. Os \
             chamados passam à próxima pessoa sem esperar por ela.\n\nEntre para ver quem é: {link}\n",
            "Since {since} e-mail to one of the team is refused: the mailbox does not exist or is switched off. Calls go \
             on to the next person without waiting for them.\n\nSign in to see who it is: {link}\n",
        ],
    ),
    (
        "handover",
        Class::Transactional,
        ["Passagem de plantão", "Handover"],
        ["Zelo: seu plantão de {from} até {until}", "Zelo: you are on call from {from} until {until}"],
        [
            "Você está de plantão de {from} até {until}.\n\nEntre para ver o que está aberto: {link}\n",
            "You are on call from {from} until {until}.\n\nSign in to see what is open: {link}\n",
        ],
    ),
    (
        "handover_alone",
        Class::Transactional,
        ["Plantão sem troca prevista", "On call without a handover"],
        [
            "Zelo: seu plantão desde {from}, sem fim previsto",
            "Zelo: you are on call from {from}, with no end planned",
        ],
        [
            "Você está de plantão desde {from}, sem fim previsto: ninguém mais entra nesta escala depois de você.\n\n\
             Entre para ver o que está aberto: {link}\n",
            "You are on call from {from}, with no end planned: nobody takes over from you on this schedule.\n\n\
             Sign in to see what is open: {link}\n",
        ],
    ),
    (
        "handover_several",
        Class::Transactional,
        ["Plantões que começam juntos", "Turns that begin together"],
        ["Zelo: {count} plantões seus começam em {from}", "Zelo: {count} turns of yours begin on {from}"],
        [
            "Você está de plantão em {count} escalas a partir de {from}.\n\n\
             Entre para ver até quando vai cada plantão e o que está aberto: {link}\n",
            "You are on call on {count} schedules from {from}.\n\n\
             Sign in to see until when each turn lasts and what is open: {link}\n",
        ],
    ),
    (
        "absence",
        Class::Transactional,
        ["Ausência de alguém da equipe", "Absence of somebody of the team"],
        [
            "Zelo: ausência na equipe de {from} até {until}",
            "Zelo: somebody of the team is away from {from} until {until}",
        ],
        [
            "Alguém da equipe registrou a própria ausência de {from} até {until}.\n\n\
             Entre para ver as ausências e os turnos que ficaram sem ninguém: {link}\n",
            "Somebody of the team noted an absence of their own from {from} until {until}.\n\n\
             Sign in to see the absences and the turns that nobody covers: {link}\n",
        ],
    ),
    (
        "absence_changed",
        Class::Transactional,
        ["Ausência de alguém da equipe alterada", "Absence of somebody of the team changed"],
        [
            "Zelo: ausência na equipe alterada, agora de {from} até {until}",
            "Zelo: an absence in the team was changed, now from {from} until {until}",
        ],
        [
            "Alguém da equipe alterou a própria ausência, que agora vai de {from} até {until}.\n\n\
             Entre para ver as ausências e os turnos que ficaram sem ninguém: {link}\n",
            "Somebody of the team changed an absence of their own, which now lasts from {from} until {until}.\n\n\
             Sign in to see the absences and the turns that nobody covers: {link}\n",
        ],
    ),
    (
        "absence_ended",
        Class::Transactional,
        ["Ausência de alguém da equipe retirada", "Absence of somebody of the team taken back"],
        [
            "Zelo: ausência na equipe retirada, era de {from} até {until}",
            "Zelo: an absence in the team was taken back, it was from {from} until {until}",
        ],
        [
            "Alguém da equipe retirou a própria ausência, que ia de {from} até {until}, e volta às escalas.\n\n\
             Entre para ver as ausências: {link}\n",
            "Somebody of the team took back an absence of their own, which was from {from} until {until}, and is on the \
             schedules again.\n\nSign in to see the absences: {link}\n",
        ],
    ),
    (
        "own_absence",
        Class::Transactional,
        ["Sua ausência registrada", "Your absence noted"],
        [
            "Zelo: sua ausência de {from} até {until} foi registrada",
            "Zelo: your absence from {from} until {until} was noted",
        ],
        [
            "Quem cuida das escalas registrou a sua ausência de {from} até {until}. Nesse período você fica fora de \
             todas as escalas.\n\nSe não for isso, avise quem cuida das escalas. Entre para ver: {link}\n",
            "Whoever keeps the schedules noted your absence from {from} until {until}. In that time you are on no \
             schedule.\n\nIf that is not so, tell them. Sign in to see it: {link}\n",
        ],
    ),
    (
        "own_absence_changed",
        Class::Transactional,
        ["Sua ausência alterada", "Your absence changed"],
        [
            "Zelo: sua ausência foi alterada, agora de {from} até {until}",
            "Zelo: your absence was changed, now from {from} until {until}",
        ],
        [
            "Quem cuida das escalas alterou a sua ausência, que agora vai de {from} até {until}. Fora desse período as \
             escalas contam com você.\n\nSe não for isso, avise quem cuida das escalas. Entre para ver: {link}\n",
            "Whoever keeps the schedules changed your absence, which now lasts from {from} until {until}. Outside that \
             time the schedules count on you.\n\nIf that is not so, tell them. Sign in to see it: {link}\n",
        ],
    ),
    (
        "own_absence_ended",
        Class::Transactional,
        ["Sua ausência retirada", "Your absence taken back"],
        [
            "Zelo: sua ausência de {from} até {until} foi retirada",
            "Zelo: your absence from {from} until {until} was taken back",
        ],
        [
            "Quem cuida das escalas retirou a sua ausência, que ia de {from} até {until}: as escalas contam com você \
             de novo.\n\nSe não for isso, avise quem cuida das escalas. Entre para ver: {link}\n",
            "Whoever keeps the schedules took back your absence, which was from {from} until {until}: the schedules \
             count on you again.\n\nIf that is not so, tell them. Sign in to see it: {link}\n",
        ],
    ),
    (
        "stand_in",
        Class::Transactional,
        ["Plantão no lugar de alguém", "On call for somebody else"],
        [
            "Zelo: você entra no lugar de alguém de {from} até {until}",
            "Zelo: you stand in for somebody from {from} until {until}",
        ],
        [
            "Alguém da equipe se ausenta e você entra no lugar. Turnos: {count}. O primeiro vai de {from} até {until}: \
             nele, os chamados vêm para você.\n\nSe não puder, avise já quem cuida das escalas. Entre para ver todos: \
             {link}\n",
            "Somebody of the team is away and you stand in. Turns: {count}. The first is from {from} until {until}: in \
             it, you are the one who is called.\n\nIf you cannot, tell whoever keeps the schedules now. Sign in to see \
             all of them: {link}\n",
        ],
    ),
    (
        "stand_in_changed",
        Class::Transactional,
        ["Plantão no lugar de alguém alterado", "On call for somebody else, changed"],
        [
            "Zelo: mudou o período em que você entra no lugar de alguém, agora de {from} até {until}",
            "Zelo: the time in which you stand in for somebody has changed, now from {from} until {until}",
        ],
        [
            "A ausência de alguém da equipe mudou, e com ela os turnos em que você entra no lugar. Turnos: {count}. O \
             primeiro agora vai de {from} até {until}: nele, os chamados vêm para você.\n\nSe não puder, avise já quem \
             cuida das escalas. Entre para ver todos: {link}\n",
            "The absence of somebody of the team has changed, and with it the turns in which you stand in. Turns: {count}. \
             The first is now from {from} until {until}: in it, you are the one who is called.\n\nIf you cannot, tell \
             whoever keeps the schedules now. Sign in to see all of them: {link}\n",
        ],
    ),
    (
        "stand_in_ended",
        Class::Transactional,
        ["Plantão no lugar de alguém cancelado", "On call for somebody else, cancelled"],
        [
            "Zelo: você não entra mais no lugar de alguém de {from} até {until}",
            "Zelo: you no longer stand in for somebody from {from} until {until}",
        ],
        [
            "A ausência de alguém da equipe foi retirada ou encurtada, e você não entra mais no lugar. Turnos: {count}. \
             O primeiro ia de {from} até {until}.\n\nEntre para ver: {link}\n",
            "The absence of somebody of the team was taken back or made shorter, and you no longer stand in. Turns: \
             {count}. The first was from {from} until {until}.\n\nSign in to see: {link}\n",
        ],
    ),
    (
        "red_bounds",
        Class::Transactional,
        ["Uma regra de chamada espera demais", "A rule for calls waits for too long"],
        [
            "Zelo: uma regra de chamada permite esperar demais",
            "Zelo: a rule for calls allows to wait for too long",
        ],
        [
            "Uma política ou promessa em vigor passa dos limites: um caso pode ficar sem ninguém por tempo demais.\n\n\
             Entre para ver e propor outra: {link}\n",
            "A policy or a service level that is in force goes beyond the bounds: a case may be without anybody for too \
             long.\n\nSign in to see it and propose another: {link}\n",
        ],
    ),
    (
        "swap_asked",
        Class::Transactional,
        ["Troca de plantão proposta", "Swap of a turn asked for"],
        ["Zelo: troca de plantão de {from} até {until}?", "Zelo: swap the turn from {from} until {until}?"],
        [
            "Alguém da escala propõe trocar o plantão de {from} até {until}.\n\n\
             Entre para ver e responder: {link}\n",
            "Somebody of the schedule would swap the turn from {from} until {until}.\n\n\
             Sign in to see it and answer: {link}\n",
        ],
    ),
    (
        "swap_taken",
        Class::Transactional,
        ["Troca de plantão aceita", "Swap of a turn agreed"],
        [
            "Zelo: troca aceita, plantão de {from} até {until}",
            "Zelo: agreed, the turn from {from} until {until}",
        ],
        [
            "A troca do plantão de {from} até {until} foi aceita e já vale na escala: {link}\n",
            "The swap of the turn from {from} until {until} was agreed and is in the schedule: {link}\n",
        ],
    ),
    (
        "swap_declined",
        Class::Transactional,
        ["Troca de plantão recusada", "Swap of a turn declined"],
        [
            "Zelo: troca recusada, plantão de {from} até {until}",
            "Zelo: declined, the turn from {from} until {until}",
        ],
        [
            "A troca do plantão de {from} até {until} foi recusada: a escala fica como estava.\n\n{link}\n",
            "The swap of the turn from {from} until {until} was declined: the schedule stays as it was.\n\n{link}\n",
        ],
    ),
    (
        "sla_warning",
        Class::Clinical,
        ["Prazo perto do fim", "Deadline near"],
        ["Zelo: um prazo termina às {until}", "Zelo: a deadline ends at {until}"],
        [
            "Um caso sob sua responsabilidade espera desde {since} e seu prazo termina às {until}.\n\n\
             Entre para ver: {link}\n",
            "A case in your care has been waiting since {since} and its deadline ends at {until}.\n\n\
             Sign in to see it: {link}\n",
        ],
    ),
    (
        "sla_breach",
        Class::Clinical,
        ["Prazo vencido", "Deadline passed"],
        ["Zelo: um prazo venceu às {until}", "Zelo: a deadline passed at {until}"],
        [
            "Um caso sob sua responsabilidade espera desde {since}. Seu prazo venceu às {until}.\n\n\
             Entre para ver: {link}\n",
            "A case in your care has been waiting since {since}. Its deadline passed at {until}.\n\n\
             Sign in to see it: {link}\n",
        ],
    ),
    (
        "lapse",
        Class::Clinical,
        ["Prazo sem ação", "Missed plan"],
        ["Zelo: {count} itens previstos não aconteceram", "Zelo: {count} planned items did not happen"],
        [
            "Não aconteceu o que estava previsto: {count} itens, o mais antigo para {since}. Entre para ver o que está \
             parado: {link}\n",
            "What was planned did not happen: {count} items, the oldest planned for {since}. Sign in to see what stands \
             still: {link}\n",
        ],
    ),
    (
        "lapses_overnight",
        Class::Transactional,
        ["Atrasos fora do expediente", "Delays outside opening hours"],
        ["Zelo: atrasos fora do expediente ({count})", "Zelo: delays outside opening hours ({count})"],
        [
            "Fora do expediente, alguns itens previstos não aconteceram na hora: {count}. O mais antigo era para \
             {since}. O que não pode esperar é avisado na hora, a qualquer hora.\n\n\
             Entre para ver se algo continua parado: {link}\n",
            "Outside opening hours, some planned items did not happen in time: {count}. The oldest was planned for \
             {since}. What cannot wait is told at once, at any hour.\n\n\
             Sign in to see whether anything still stands still: {link}\n",
        ],
    ),
    (
        "log_broken",
        Class::Clinical,
        ["Quebra no registro de auditoria", "Break in the audit log"],
        ["Zelo: o registro de auditoria não está íntegro", "Zelo: the audit log is not whole"],
        [
            "A verificação que terminou às {since} encontrou uma quebra no registro de auditoria: o que está guardado \
             não é o que foi registrado. Não altere nem apague nada. Entre para ver onde: {link}\n",
            "The verification that ended at {since} found a break in the audit log: what is stored is not what was \
             logged. Change and delete nothing. Sign in to see where: {link}\n",
        ],
    ),
    (
        "held_too_long",
        Class::Clinical,
        ["Alerta retido sem desfecho", "Alert held without an end"],
        ["Zelo: um alerta precisa de outra pessoa", "Zelo: an alert needs another person"],
        [
            "Um alerta que você assumiu ou reconheceu continua sem desfecho desde {since}. Ele passou vezes \
             demais pelas mesmas mãos: agora o sistema chama outras pessoas, e quem já o teve só volta a \
             segurá-lo depois de outra pessoa. Resolver ou entregar a outra pessoa continua possível: {link}\n",
            "An alert that you claimed or acknowledged has been without an end since {since}. It was in the same \
             hands too often: other people are called now, and whoever had it holds it again only after somebody \
             else did. You may still resolve it, or hand it to another person: {link}\n",
        ],
    ),
    (
        "coverage",
        Class::Transactional,
        ["Falta gente na escala", "Nobody on call"],
        ["Zelo: a partir de {from} não há quem atenda", "Zelo: from {from} nobody could be called"],
        [
            "A partir de {from} ninguém da escala poderia ser chamado. Entre para completar a escala: {link}\n",
            "From {from} nobody on this schedule could be called. Sign in to fill it: {link}\n",
        ],
    ),
    (
        "dead_step",
        Class::Transactional,
        ["Passo sem ninguém", "Step without anybody"],
        ["Zelo: um passo da escalada não chama ninguém", "Zelo: a step of an escalation calls nobody"],
        [
            "As pessoas do passo {count} não podem mais atender: o passo é pulado. Entre para trocar: {link}\n",
            "The people of step {count} may no longer answer: the step is skipped. Sign in to change it: {link}\n",
        ],
    ),
    (
        "webhook_gone",
        Class::Transactional,
        ["Webhook encerrado", "Webhook ended"],
        ["Zelo: um programa não quer mais chamadas", "Zelo: a program wants no more calls"],
        [
            "Um programa que você cadastrou respondeu às {since} que não quer mais chamadas. O webhook foi \
             desativado.\n\nEntre para ver: {link}\n",
            "A program that you added answered at {since} that it wants no more calls. Its webhook is \
             disabled.\n\nSign in to see it: {link}\n",
        ],
    ),
    (
        "webhook_refuses",
        Class::Transactional,
        ["Webhook que recusa", "Webhook that refuses"],
        ["Zelo: um programa não recebe as chamadas", "Zelo: a program does not take its calls"],
        [
            "Um programa que você cadastrou respondeu às {since} com um redirecionamento ou uma recusa. O Zelo não \
             segue redirecionamentos e não repete essa chamada. Confira o endereço do webhook.\n\nEntre para ver: \
             {link}\n",
            "A program that you added answered at {since} with a redirection or a refusal. Zelo follows no \
             redirection and does not repeat that call. Check the webhook's address.\n\nSign in to see it: {link}\n",
        ],
    ),
    (
        "test",
        Class::Transactional,
        ["Chamado de teste", "Test page"],
        ["Zelo: isto é só um teste", "Zelo: this is only a test"],
        [
            "Você pediu este teste às {since}. Ninguém espera por você.\n\n\
             Abra para confirmar que ele chegou: {link}\n",
            "You asked for this test at {since}. Nobody is waiting for you.\n\n\
             Open it to confirm that it arrived: {link}\n",
        ],
    ),
];

/// The first version of each.
#[must_use]
pub fn seeds() -> Vec<Template> {
    let words = |[pt, en]: [&str; 2]| Words { pt: pt.to_owned(), en: en.to_owned() };
    let template = |(id, class, name, subject, text): Seed| Template {
        id: id.to_owned(),
        version: 1,
        name: words(name),
        subject: words(subject),
        text: words(text),
        class,
    };
    SEEDS.into_iter().map(template).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lint::lint;
    use super::super::{Lang, Vars};
    use super::*;

    #[test]
    fn every_template_passes_the_check_and_its_messages_the_lint() {
        let vars = Vars {
            link: Some("https://zelo.example/alerts/0199".into()),
            repetition: Some(2),
            since: Some("22/11 14:05".into()),
            from: Some("22/11 19:00".into()),
            until: Some("23/11 07:00".into()),
            count: Some(7),
            cases: Some("[3F9A2] 22/11 14:05  https://zelo.example/alerts/0199".into()),
        };
        for template in seeds() {
            assert_eq!(template.check(), [], "{}", template.id);
            for lang in Lang::ALL {
                let message = template.render(lang, &vars).unwrap();
                let whole = format!("{}\n{}", message.subject, message.text);
                assert_eq!(lint(&whole), [], "{whole}");
                assert!(message.text.contains("https://zelo.example/alerts/0199"), "{whole}");
                assert!(!whole.contains(['{', '}']), "{whole}");
            }
        }
    }

    #[test]
    fn a_template_survives_the_store() {
        for template in seeds() {
            let text = serde_json::to_string(&template).unwrap();
            assert_eq!(serde_json::from_str::<Template>(&text).unwrap(), template);
        }
    }
}
