# Todo texto visível do painel. A chave existe também em en.ftl; um teste confere.
## Surroundings

app-name = Zelo
skip-to-content = Ir para o conteúdo
nav-label = Principal
nav-menu = Menu
nav-queue = Fila
nav-patients = Pacientes
nav-devices = Dispositivos
nav-rules = Regras
nav-audit = Auditoria
nav-users = Usuários
nav-status = Sistema
nav-me = Minha saúde
nav-red-open =
    { $n ->
        [one] { $n } alerta vermelho aberto
       *[other] { $n } alertas vermelhos abertos
    }
language = Idioma
theme = Aparência
theme-auto = Auto
theme-light = Clara
theme-dark = Escura
sign-out = Sair
close = Fechar
live-on = Ao vivo
live-off = Sem conexão
live-connecting = Conectando…
live-offline-since = Sem conexão desde { $time }. O que você vê pode ter mudado; tentando de novo a cada poucos segundos.
live-new-red = Novo alerta vermelho na fila.
live-masked = Leituras ocultas: não foi possível confirmar o consentimento agora.
live-moved = A lista mudou de lugar na hora do toque. Nada foi feito: confira o nome e toque de novo.
keys-title = Atalhos do teclado
keys-move = Próximo, anterior
keys-open = Abrir
keys-claim = Assumir ou reconhecer
keys-resolve = Resolver
keys-search = Buscar
keys-help = Esta ajuda
printed-at = Situação em { $time }

## Words of many pages

all = Todos
yes = Sim
no = Não
name = Nome
email = E-mail
phone = Telefone
zone = Fuso horário
role = Papel
from = De
to = Até
level = Nível
state = Situação
version = Versão
patient = Paciente
device = Dispositivo
reason = Motivo
reason-audited = Fica no registro de auditoria, com o seu nome.
more = Mostrar mais
paging = Partes da lista
paging-seen = Até aqui { $seen } de { $total }, em partes.
paging-shown = { $seen } nesta página.
paging-before = Anteriores
paging-after = Próxima
filters = Filtros
filter-do = Filtrar
filter-clear = Limpar filtros
search-do = Buscar
until-now = agora
the-system = sistema
the-patient = o próprio paciente
years =
    { $n ->
        [one] { $n } ano
       *[other] { $n } anos
    }
ago = há { $span }
ago-now = agora
level-red = Vermelho
level-yellow = Amarelo
level-green = Verde
state-open = Aberto
state-acknowledged = Reconhecido
state-snoozed = Adiado
state-resolved = Resolvido
masked = sem base legal para exibir: { $why }
masked-since = sem base legal para exibir: { $why } em { $day }

## Roles

role-agent = Atendimento
role-technician = Suporte técnico
role-clinician = Equipe clínica
role-manager = Gestão
role-auditor = Auditoria
role-dpo = Encarregado (DPO)
role-admin = Administração
role-patient = Paciente
role-service = Serviço

## Signals and units

signal-heart-rate = Frequência cardíaca
signal-resting-heart-rate = Frequência em repouso
signal-respiratory-rate = Frequência respiratória
signal-spo2 = Saturação de oxigênio
signal-body-temperature = Temperatura corporal
signal-skin-temperature = Temperatura da pele
signal-systolic-bp = Pressão sistólica
signal-diastolic-bp = Pressão diastólica
signal-glucose = Glicose
signal-glucose-capillary = Glicemia capilar
signal-weight = Peso
signal-height = Altura
signal-steps = Passos
signal-sleep-duration = Sono
signal-hrv-sdnn = VFC (SDNN)
signal-hrv-rmssd = VFC (RMSSD)
signal-supplemental-oxygen = Oxigênio suplementar
signal-consciousness = Consciência
signal-battery = Bateria
unit-beats = bpm
unit-breaths = irpm
unit-percent = %
unit-celsius = °C
unit-mmhg = mmHg
unit-mg-dl = mg/dL
unit-kg = kg
unit-cm = cm
unit-steps = passos
unit-minutes = min
unit-ms = ms
unit-litres-minute = L/min
unit-acvpu = ACVPU

## Sign-in

login-title = Entrar
login-do = Entrar
password = Senha
login-totp = Código de verificação
login-totp-hint = Os seis dígitos do seu aplicativo autenticador.
login-trouble = Sem acesso? Peça um link de uso único à administração.
login-wait =
    { $n ->
        [one] Tente de novo em { $n } segundo.
       *[other] Tente de novo em { $n } segundos.
    }

## Setting a password by a link

password-title = Definir senha
password-new = Nova senha
password-again = Nova senha, de novo
password-hint = Pelo menos { $n } caracteres; uma frase é o melhor.
password-do = Definir senha
password-change = Trocar senha…
password-now = Senha atual
password-go-on = Continuar
password-sessions-end = Você escolhe a nova senha na página seguinte. Ao trocar, as sessões abertas terminam e você entra de novo.
password-sessions = As sessões abertas terminam, e o link deixa de valer.
password-refused = Senha não aceita
password-differ = As duas entradas são diferentes.
password-short = É curta demais: use pelo menos { $n } caracteres.
password-long = É longa demais: use no máximo { $n } bytes.
password-common = É fácil de adivinhar: palavra comum, sequência do teclado, data, seu nome ou o da clínica. Uma frase sua é o melhor.
password-dead = Este link não vale
password-dead-detail = Já foi usado, venceu ou foi substituído por um mais novo. Peça outro à administração.

## Queue

queue-title = Fila
queue-search = Buscar paciente
queue-unresolved = Não resolvidos
queue-mine = Só os meus
queue-count-red =
    { $n ->
        [one] { $n } vermelho
       *[other] { $n } vermelhos
    }
queue-count-yellow =
    { $n ->
        [one] { $n } amarelo
       *[other] { $n } amarelos
    }
queue-count-unclaimed = { $n } sem responsável
queue-count-mine =
    { $n ->
        [one] { $n } com você
       *[other] { $n } com você
    }
queue-count-past =
    { $n ->
        [one] { $n } já encerrado
       *[other] { $n } já encerrados
    }
queue-now-group = Agora
queue-past-group = Já encerrados, descobertos só agora (dados atrasados)
queue-resolved-group = Resolvidos, os mais novos primeiro
queue-ended = até { $time }
queue-empty = Ninguém esperando
queue-empty-next = Novos alertas aparecem aqui sozinhos. Deixe esta página aberta.
queue-empty-filter = Nada com estes filtros
queue-waiting = Esperando há
queue-now = último:
queue-yours = Com você
queue-claimed = O alerta de { $name } está com você.
queue-nobody = Sem responsável
queue-snoozed = adiado até { $time } por { $name }
alert-worn-out = Passou vezes demais pelas mesmas mãos: precisa de outra pessoa

## Alert

many-title = Reconhecer vários
many-hint = Marque os casos pelos quais você responde: cada um fica com você por si só, com seu próprio registro. O que já é de outra pessoa, ou está adiado, não aparece.
many-do = Reconhecer os marcados
many-done = O que houve com cada um
many-refused = não ficou com você
many-yours = com você
many-case = Caso
many-none-ticked = Marque ao menos um caso.
many-none = Nada espera por uma resposta sua.
alert-mark = Marca nas mensagens:
many-waiting = { $n ->
    [one] { $n } caso espera
   *[other] { $n } casos esperam
}
act-claim = Assumir
act-open = Abrir
act-ack = Reconhecer
act-resolve = Resolver…
act-resolve-do = Resolver alerta
act-outcome = Como terminou?
act-snooze = Adiar…
act-snooze-do = Adiar
act-snooze-for = Por quanto tempo
act-reassign = Passar para…
act-reassign-to = Para quem
act-reassign-do = Passar
alert-acts = Ações
alert-to-patient = Ver paciente
alert-peak = pico: { $level }
alert-nobody-reached = Ninguém foi alcançado
alert-no-basis = Sem base legal para chamar · { $article }
alert-retrospective = Dados atrasados
alert-started = Início
alert-ended = Fim
alert-due = Prazo
alert-owner = Responsável
alert-rule = Regra
alert-evidence = Leituras que sustentam o achado
alert-story = O que foi feito
attachments-title = Arquivos
attachments-none = Nenhum arquivo anexado.
attachment-image = Imagem
attachment-pdf = PDF
attachment-text = Texto
attachment-csv = Tabela CSV
attachment-file = Arquivo
attachment-hint = Foto (JPEG, PNG, WebP), PDF, texto ou CSV, até 10 MB. O nome do arquivo também fica protegido.
attachment-attach = Anexar
attachment-remove = Remover
attachment-remove-do = Remover arquivo
attachment-remove-hint = O conteúdo é apagado. Quem removeu, quando e o motivo ficam registrados.
attachment-removed = Removido
did-attached = Anexou um arquivo: { $what }
did-detached = Removeu um arquivo: { $what }
outcome-true = Real, paciente atendido
outcome-false-alarm = Alarme falso
outcome-duplicate = Duplicado de outro alerta
outcome-retracted = Desmentido por dados atrasados
outcome-consent-revoked = Consentimento revogado
outcome-other = Outro
did-raised = Alerta { $level } aberto
did-level = Nível passou a { $level }
did-claimed = Assumiu o alerta
did-acknowledged = Reconheceu o alerta
did-snoozed = Adiou o alerta
did-reassigned = Passou o alerta adiante
did-resolved = Resolveu o alerta
level-hidden = Oculto
alert-masked = Alerta oculto: sem consentimento
finding-hidden = achado oculto: sem consentimento
finding-back = As leituras deste alerta voltaram a este paciente e não foram avaliadas de novo
finding-measure-again = { $measured }: valor extremo, meça de novo
finding-readings =
    { $n ->
        [one] { $n } leitura
       *[other] { $n } leituras
    }

## Readings and charts

readings-title = Leituras
readings-latest = Últimos valores
readings-none = Nenhuma leitura ainda
readings-none-next = Vincule e emparelhe um dispositivo; as leituras aparecem assim que ele se conectar.
readings-not-yours = Seu papel não vê leituras
readings-not-yours-why = Leituras são vistas só pela equipe clínica que cuida do paciente (LGPD art. 6 III, necessidade).
reading-suspect = valor extremo: meça de novo
reading-unbelieved = valor impossível, não aceito: meça de novo
range-1h = 1 h
range-6h = 6 h
range-24h = 24 h
range-7d = 7 d
range-30d = 30 d
chart-signals = Sinal do gráfico
chart-ranges = Período do gráfico
chart-label = Gráfico de { $signal }; os mesmos dados estão na tabela abaixo, em { $n } linhas
chart-source = fonte: { $device }
chart-loading = Carregando…
chart-empty = Nenhuma leitura neste período.
chart-failed = Não foi possível carregar o gráfico. A tabela abaixo pode estar desatualizada.
chart-no-basis = Sem base legal para exibir
chart-zoom-hint = Arraste sobre o gráfico para ampliar.
chart-zoom-in = Ampliar
chart-earlier = Antes
chart-later = Depois
chart-zoom-out = Voltar ao período inteiro
chart-as-table = Ver como tabela
chart-at = Quando
chart-min = Mínimo
chart-mean = Média
chart-max = Máximo
chart-count = Leituras

## Patient

patients-title = Pacientes
patients-search = Buscar paciente
patients-search-hint = Começo de qualquer parte do nome, com ou sem acento; ou o CPF ou o CNS inteiro.
patients-count =
    { $n ->
        [one] { $n } paciente
       *[other] { $n } pacientes
    }
patients-none = Nenhum paciente ainda
patients-none-next = A administração cadastra pacientes; depois, vincule um dispositivo.
patients-none-found = Ninguém encontrado com “{ $q }”
patients-none-found-here = Ninguém com “{ $q }” nesta parte da lista
patient-register = Cadastrar paciente
birth-date = Data de nascimento
cpf = CPF (opcional)
patient-local-time = { $time } lá ({ $zone })
patient-sections = Nesta página
alerts-title = Alertas
alerts-none = Nenhum alerta
alerts-none-next = As regras seguem avaliando enquanto houver consentimento.
timeline-title = Linha do tempo
timeline-none = Nada aconteceu ainda
timeline-none-here = Nada nesta página
timeline-whole = Linha do tempo completa
timeline-kinds = O que mostrar
timeline-all = Tudo
timeline-newest = Voltar ao mais recente
timeline-yesterday = Ontem
timeline-escalation = Escalonamento
timeline-messages = Mensagens
timeline-patients = Cadastro
timeline-privacy = Acessos e cópias
event-registered = Paciente cadastrado
event-corrected = Cadastro corrigido
event-blocked = Dados bloqueados
event-unblocked = Dados desbloqueados
event-message = { $channel } para { $who }
event-released = Leitura em quarentena liberada
event-discarded = Leitura em quarentena descartada
event-withdrawn = Leitura em quarentena retirada pela própria origem
event-source-corrected = Corrigido ou retirado pela própria origem: { $signals }
event-reveal = Nome por trás do pseudônimo revelado
event-export = Cópia dos dados baixada
event-bound = Dispositivo { $device } vinculado
event-unbound = Dispositivo { $device } desvinculado
event-readings-left = Retirada deste paciente: { $count } do dispositivo { $device }, que já não estava com ele
event-readings-came = Atribuição a este paciente: { $count } do dispositivo { $device }, que já estava com ele
event-measured-from = medição desde { $time }
event-measured = começou em { $time }
quarantine-title = Quarentena
quarantine-what = Leituras separadas porque algo nelas não fecha. Guardadas seladas por 30 dias.
quarantine-none = Nada em quarentena
quarantine-unreadable = Leitura ilegível
quarantine-not-bound = Medida ou corrigida fora do vínculo do dispositivo com este paciente.
quarantine-clock = O relógio do dispositivo está errado.
quarantine-conflict = O mesmo instante já tem outro valor. Se for liberada, esta leitura passa a valer no lugar dele.
quarantine-implausible = Valor fora do que o corpo humano permite.
quarantine-subject = O registro diz ser de outra pessoa.
quarantine-withdrawn = A fonte diz que esta leitura foi um erro, mas o dispositivo já não estava com este paciente. Se for liberada, a leitura deixa de valer.
quarantine-says = diz { $time }
quarantine-came = chegou { $time }
quarantine-judge = Decidir…
quarantine-release = Liberar
quarantine-discard = Descartar

## Consents

consents-title = Consentimentos
consents-none = Nenhuma finalidade pedida ainda
consents-none-next = Publique um termo para pedir o consentimento do paciente.
consent-none = Nunca perguntado
consent-offered = Aguardando resposta
consent-granted = Concedido
consent-refused = Recusado
consent-revoked = Revogado
consent-expired = Expirado
consent-stale = Termo mudou
consent-suspended = Suspenso
consent-not = Sem consentimento
consent-term-version = termo v{ $version }
consent-term = Texto do termo
consent-epoch = época { $epoch }
consent-grant = Conceder ou recusar…
consent-grant-do = Conceder
consent-refuse-do = Recusar
consent-assisted = Li o termo ao paciente, que respondeu por si.
consent-revoke = Revogar…
consent-revoke-do = Revogar agora
effect-collect-on = Agora: as leituras são recebidas e guardadas.
effect-collect-off = Agora: nenhuma leitura nova é guardada.
effect-evaluate-on = Agora: as leituras são avaliadas, e a equipe de cuidado as vê.
effect-evaluate-off = Agora: as leituras não são avaliadas nem mostradas à equipe. Se são guardadas, quem decide é “Receber e guardar leituras”.
effect-on = Agora: em vigor.
effect-off = Agora: sem efeito.
effect-idle = Agora: sem efeito, porque depende de “{ $purpose }”.
consent-revoke-effect = Vale de imediato, para esta finalidade e para as que dependem dela. O que já foi feito continua válido (LGPD art. 8 §5).
purpose-telemetry-collect = Receber e guardar leituras
purpose-telemetry-collect-means = Os dispositivos enviam o que medem e o Zelo guarda.
purpose-alert-evaluate = Avaliar e mostrar
purpose-alert-evaluate-means = As leituras passam pelas regras e a equipe clínica as vê.
purpose-alert-escalate = Acionar pessoas
purpose-alert-escalate-means = Um alerta chama a equipe de plantão, até que alguém assuma.
purpose-care-remind = Lembretes de cuidado
purpose-care-remind-means = Consultas, remédios e medições.
purpose-engage-message = Mensagens e pesquisas
purpose-engage-message-means = Conteúdo, satisfação e novidades.
purpose-analytics-identified = Análises identificadas
purpose-analytics-identified-means = Números em que a pessoa pode ser reconhecida.
purpose-share-ehr = Enviar ao prontuário
purpose-share-ehr-means = A clínica recebe as leituras no prontuário.
purpose-share-portability = Portabilidade
purpose-share-portability-means = Levar os dados para outro serviço, a pedido.
purpose-research-identified = Pesquisa identificada
purpose-research-identified-means = Estudo aprovado por comitê de ética.

## Devices and pairing

devices-title = Dispositivos
devices-count =
    { $n ->
        [one] { $n } dispositivo
       *[other] { $n } dispositivos
    }
devices-none = Nenhum dispositivo ainda
devices-none-next = Cadastre um dispositivo e mostre o código QR a ele.
device-enrol = Cadastrar dispositivo
device-enrol-do = Cadastrar e emparelhar
device-name = Nome do dispositivo
device-name-hint = Modelo e etiqueta, sem dados do paciente.
device-patient = Vincular a
device-patient-typed = CPF ou CNS do paciente, inteiro. São muitos para uma lista.
device-bind-later = Depois
device-bind = Vincular…
device-unbind = Desvincular…
device-unbind-effect = O que for medido a partir daí não é deste paciente: espera o vínculo de quem estava com o dispositivo.
device-unbind-whose = De quem
device-unbind-whose-hint = Se a entrega entre duas pessoas foi antes do que se disse, encerre primeiro o vínculo da anterior e depois diga que o atual começou antes.
device-unbind-at = Desde quando
device-unbind-at-hint = Em branco: agora. Se a entrega foi antes, diga quando.
device-earlier = Vínculo começou antes…
device-earlier-effect = O que o dispositivo mediu desde então e não é de ninguém passa a ser deste paciente, se ele consentiu.
device-bind-at = Desde quando
device-bind-at-hint = Em branco: agora. O que o dispositivo mediu desde então sem vínculo passa a ser deste paciente, se ele consentiu.
device-nobodys = Leituras sem dono
device-nobodys-hint = Medidas sem vínculo e guardadas seladas por 30 dias. Vão para quem estava com o dispositivo quando o vínculo for registrado.
device-moves = Leituras que mudaram de dono
moved-taken = Retirada: { $count } desde { $time }.
moved-given = Atribuição: { $count } desde { $time }.
moved-refused = Sem consentimento, à espera: { $count }.
moved-open = Em andamento.
device-unbound = Sem vínculo
device-pair = Emparelhar
device-disable = Desativar…
device-disable-effect = A conexão cai e os códigos deixam de valer.
device-id = Identificador
device-last = Último contato
device-seen = visto { $ago }
device-never = nunca conectou
device-now = agora
device-battery = bateria { $percent } %
device-preferred = fonte preferida
device-until = até { $day }
device-connected = Conectado
device-waiting = Aguardando
device-away = Desconectado
device-silent = Em silêncio
device-disabled = Desativado
device-bindings = Vínculos
device-bindings-none = Nunca foi vinculado.
device-tokens = Códigos de acesso
device-tokens-none = Nenhum código ainda; emparelhe para criar um.
device-token-made = criado em { $time }
device-token-ends = vale até { $time }
device-token-revoked = revogado { $time }
device-status = Última mensagem do dispositivo
device-commands = Comandos
command-given = enviado em { $time }
command-waiting = aguardando o dispositivo
command-acknowledged = recebido em { $time }
command-refused = recusado pelo dispositivo em { $time }, código { $code }
command-cancel = Cancelar comando
command-cancel-this = Cancelar comando: { $command }
command-cancelled = cancelado em { $time }
command-expired = expirou em { $time }
pairing-title = Emparelhar { $device }
pairing-waiting = Aguardando a primeira conexão
pairing-waiting-next = Esta página fica verde sozinha.
pairing-connected = Conectado
pairing-connected-at = Primeira conexão em { $time }.
pairing-once = Mostrado uma única vez
pairing-once-why = Ao sair desta página o código não volta. Se perder, crie outro.
pairing-qr = Aponte o aplicativo do dispositivo para este código.
pairing-server = Servidor MQTT
pairing-user = Usuário
pairing-token = Senha (token)
pairing-ends = Vale até
pairing-shown = O código já foi mostrado
pairing-shown-next = Crie outro se o dispositivo ainda não o tem; os dois valem durante a troca.
pairing-again = Criar outro código

## Rules

rules-title = Regras
rules-what = Como cada leitura é julgada. Uma versão nunca muda; uma mudança é outra versão, proposta por uma pessoa e aprovada por outra.
rules-none = Nenhuma regra em vigor
rules-none-next = Sem regras nada vira alerta. Rode a carga inicial ou proponha uma.
rule-above = acima de { $bound } por { $span }
rule-below = abaixo de { $bound } por { $span }
rule-clears = encerra { $when }
rule-gap = intervalo máximo { $span }
rule-coverage = cobertura mínima { $percent } %
rule-episodes =
    { $n ->
        [one] { $n } episódio em 30 dias
       *[other] { $n } episódios em 30 dias
    }
rule-worth = { $real } % reais, reconhecidos em { $span }
rule-versions = Versões de { $rule }
rule-since = Desde
rule-author = Autor
rule-approver = Aprovação
rule-in-force = Em vigor
rule-seed = inicial

## Audit

audit-title = Auditoria
audit-entries = Registros
audit-verified = { $n } entradas conferidas, com tudo que elas registram. Terminou em { $time }.
audit-unverified = Ainda não verificado
audit-unverified-next = Verifique agora, ou fora daqui com zelo audit verify.
verification-title = Verificação do registro
verification-ask = Verificar o registro inteiro
verification-running = Verificando…
verification-of = { $done } de { $total } entradas e leituras
verification-leave = Pode sair desta página: a verificação continua, e o resultado fica aqui.
verification-cancel = Cancelar
verification-whole = Íntegro
verification-broken = Quebra no registro
verification-broken-at = Quebra na entrada { $index }
verification-broken-next = Não altere nem apague nada. Guarde uma cópia do banco de dados e das chaves e chame quem responde pelo sistema.
verification-cancelled = Cancelada
verification-failed = Não terminou
verification-past = Verificações anteriores
verification-size = { $n } entradas
verification-by-you = Pedida por você
verification-by = Pedida por { $who }
audit-verified-at = Conferido em { $time }.
audit-checkpoint = Ponto de controle assinado
audit-checkpoint-get = Baixar ponto de controle
audit-no-checkpoint = Nenhum ainda; o primeiro sai em até um segundo após o primeiro registro.
audit-export = Exportar tudo
audit-origin = Origem
audit-size = Tamanho
audit-root = Raiz
audit-sealed = Assinado
audit-key = Chave de verificação
audit-kind = Tipo
audit-decision = Decisão
audit-actor = Quem
audit-patient = Paciente (id)
audit-subject = Titular
audit-purpose = Finalidade
audit-index = Posição
audit-when = Quando
audit-none = Nenhum registro com estes filtros
audit-none-here = Nenhum entre os que foram procurados agora; há mais antigos
actor-user = Usuário
actor-subject = Titular
actor-device = Dispositivo
actor-system = Sistema
audit-older = Mais antigos
audit-entry-n = registro { $n }
audit-leaf = Hash da folha
audit-leaf-json = Conteúdo da folha
audit-proof = Baixar prova
audit-not-sealed = A prova existe assim que o próximo ponto de controle for assinado.
audit-before = Anterior
audit-after = Seguinte
decision-permit = Permitido
decision-deny = Negado

## Users

users-title = Usuários
users-count =
    { $n ->
        [one] { $n } usuário
       *[other] { $n } usuários
    }
users-none = Nenhum usuário ainda
users-none-next = Crie o primeiro acima.
users-search = Buscar usuário
users-search-hint = Começo de qualquer parte do nome ou do e-mail, com ou sem acento.
users-part = { $n } de { $total } usuários
user-create = Criar usuário
user-create-do = Criar e gerar link
user-link = Link de uso único para { $name }
user-link-once = Entregue em mãos ou por canal seguro. Não será mostrado de novo.
user-link-label = Link
user-totp = Segundo fator
user-totp-remove = Remover segundo fator
user-seen = Último acesso
user-never = nenhum em 30 dias
user-locked = Bloqueado
user-reset = Novo link
user-lock = Bloquear

## Status

status-title = Sistema
status-seal-age = Última assinatura do log
status-seal-none = nada espera por assinatura
status-connections = Dispositivos conectados
status-queue-depth = Mensagens na fila
status-reevaluate-depth = Séries a reavaliar
status-commands-depth = Comandos a entregar
status-unrolled = Leituras a compactar
status-or-more = { $n } ou mais
status-oldest = o mais antigo há { $span }
status-at-least = ao menos { $bound }
status-edge-readings = Leituras guardadas desde o início
status-edge-messages = Mensagens recebidas desde o início
status-edge-refused = Mensagens recusadas por consentimento
status-edge-quarantined = Leituras postas em quarentena
status-edge-not-stored = Mensagens não gravadas
status-outbox-depth = Avisos a enviar
status-stored = Banco de dados
status-free = Espaço livre
status-certificate-https = Certificado do site (HTTPS)
status-certificate-mqtts = Certificado dos dispositivos (MQTT)
status-certificate-left = vence em { $span }
status-certificate-expired = vencido
status-bound = limite { $bound }
status-modules = Motor
status-module = Módulo
status-ran = Última execução
status-took = Duração
status-did = Itens
status-no-modules = O motor não está rodando
status-no-modules-next = Sem ele nada escala nem é enviado. Reinicie o serviço e veja o log.
status-clock-back = O relógio do servidor voltou { $span } em { $time }
status-clock-forward = O relógio do servidor adiantou { $span } em { $time }
status-clock-next = O que estava agendado pela hora errada foi reagendado. Verifique a sincronização de horário (NTP) do servidor.
status-nobody-reached =
    { $n ->
        [one] { $n } alerta vermelho não alcançou ninguém
       *[other] { $n } alertas vermelhos não alcançaram ninguém
    }
status-nobody-reached-next = Toda a política foi percorrida sem resposta. Ligue agora para quem está de plantão.
status-passed-over =
    { $n ->
        [one] { $n } alerta está bloqueado no banco de dados: ninguém é chamado
       *[other] { $n } alertas estão bloqueados no banco de dados: ninguém é chamado
    }
status-passed-over-next = Outra sessão do banco de dados está segurando o registro. O log do servidor diz qual: encerre essa sessão agora. Até lá, ligue você para quem está de plantão.
status-node = Zelo { $version } sobre { $backend }
status-since = no ar desde { $time }
health-well = Bem
health-late = Atrasado
health-failing = Falhando

## Portal

portal-title = Minha saúde
portal-hello = Olá, { $name }.
portal-emergency = Esta página não substitui o atendimento de urgência. Em emergência, ligue 192 (SAMU).
portal-readings = Minhas leituras
portal-consents = Minhas permissões
portal-consents-what = Você decide, finalidade por finalidade, e pode mudar de ideia a qualquer momento.
portal-devices = Meus dispositivos
portal-own = Meus dados são meus
portal-own-what = Leve com você uma cópia de tudo o que guardamos: leituras, alertas, permissões e quem consultou. Você recebe sempre, mesmo quando a equipe não pode ver. Até seis cópias por hora.
portal-own-json = Baixar tudo (JSON)
portal-own-csv = Baixar leituras (CSV)
portal-dpo = Encarregada ou encarregado de dados
portal-dpo-what = Responde a pedidos e reclamações sobre os seus dados (LGPD art. 41).
portal-dpo-none = A clínica ainda não disse aqui quem é. O texto de cada permissão, acima, diz como falar com ela.
portal-looks = Quem viu meus dados
portal-looks-none = Ninguém, até agora.
look-you = Você
look-who = { $name } ({ $role })
look-refused = recusado
look-identity = Viu quem você é
look-contacts = Viu os seus contatos
look-consents = Viu as suas permissões
look-alerts = Viu os seus alertas
look-attachments = Baixou um arquivo anexado a um alerta seu
look-readings = Viu as suas leituras
look-looks = Viu quem consultou os seus dados
tried-identity = Tentou ver quem você é
tried-contacts = Tentou ver os seus contatos
tried-consents = Tentou ver as suas permissões
tried-alerts = Tentou ver os seus alertas
tried-attachments = Tentou abrir um arquivo anexado a um alerta seu
tried-readings = Tentou ver as suas leituras
tried-looks = Tentou ver quem consultou os seus dados
tried-reveal = Pediu o seu nome por trás do pseudônimo
tried-export = Tentou baixar uma cópia dos seus dados
look-reveal = Soube o seu nome por trás do pseudônimo, com um motivo registrado
look-export = Baixou uma cópia dos seus dados

## API

docs-title = API
docs-none = O documento OpenAPI está vazio
docs-parameters = Parâmetros
docs-answers = Respostas
docs-in = Onde
docs-required = Obrigatório
docs-meaning = Significado
docs-status = Status
docs-codes = Códigos de recusa
docs-code = Código

## Account and second factor

account-title = Minha conta
totp-title = Segundo fator
totp-what = Além da senha, entrar passa a pedir um código que só o seu celular mostra. Quem souber a sua senha não entra sem ele.
totp-begin = Configurar segundo fator
totp-on = Ativo
totp-on-what = Cada entrada pede o código do aplicativo autenticador.
totp-remove = Remover segundo fator…
totp-remove-effect = A senha volta a bastar para entrar.
totp-remove-do = Remover agora
totp-step-scan = Leia o código QR com o aplicativo autenticador, ou digite o segredo nele.
totp-step-code = Digite abaixo o código de seis dígitos que ele mostra.
totp-qr = Código QR para o aplicativo autenticador.
totp-secret = Segredo
totp-once = Mostrado uma única vez. Só passa a valer depois de confirmado.
totp-password-why = Para ter certeza de que é você.
totp-password-wrong = Senha incorreta
totp-password-wrong-detail = É a senha com que você entra no Zelo.
totp-confirm = Confirmar
totp-cancel = Cancelar

## Refusals

field-cpf-taken = Este CPF ou CNS já é de outro paciente: busque por ele.
field-email-taken = Este e-mail já é de outro usuário.
field-device-bound = O dispositivo já está vinculado: desvincule antes.
field-name = Escreva o nome, de 1 a 80 letras, em uma linha.
field-birth-date = Escreva o dia de nascimento, no passado.
field-cpf = Este CPF não existe: confira os dígitos, ou deixe em branco.
field-email = Este não é um endereço de e-mail.
field-phone = Escreva o telefone com o código do país, como +55 11 91234-5678.
field-zone = Escreva um fuso como America/Sao_Paulo.
field-patient = Ninguém foi encontrado: escolha da lista, ou escreva o CPF ou o CNS inteiro.
field-role = Escolha um dos papéis.
field-reason = Escreva o motivo, com 3 a 500 letras.
field-outcome = Escolha como terminou.
field-minutes = Escolha por quanto tempo.
field-to = Escolha quem pode agir em alertas.
field-silence = Você já adiou este alerta vermelho: se for preciso adiar de novo, é outra pessoa quem decide. Você pode reconhecer, passar adiante ou resolver.
field-span = O fim vem depois do começo, no máximo 400 dias depois.
field-ahead = Uma ausência termina no máximo 400 dias a partir de hoje. Confira o ano.
field-past = Esse período já passou. Uma ausência vale de agora em diante: escolha um fim depois de agora.
field-ended = O fim precisa ser depois de agora. Para a ausência acabar já, use Retirar a ausência.
field-cover-away = Esta pessoa também está ausente nesse turno. Escolha outra para entrar no lugar, ou Ninguém.
field-cover-unable = Esta pessoa não pode ficar de plantão. Escolha outra para entrar no lugar, ou Ninguém.
field-turns = Os turnos mudaram desde que foram listados. Peça os turnos de novo.
field-moment = Escolha o dia e a hora, com o ano entre 2000 e 2199.
field-absence = Nada foi mudado. Mude a ausência que já existe, ou escolha outro período.
field-unseen = O texto tem um caractere que não se vê. Apague e digite de novo, sem colar.
form-sending = Enviando…
form-failed = Não chegou ao servidor. O que você escreveu continua aqui; tente de novo.

error-back = Voltar ao início
code-sign-in = Entre para continuar
code-sign-in-detail = Sua sessão terminou ou ainda não começou.
code-credentials = E-mail ou senha não conferem
code-credentials-detail = Confira os dois e tente de novo.
code-totp = Código de verificação inválido
code-totp-detail = Digite o código que o aplicativo mostra agora.
code-role = Seu papel não permite isto
code-role-detail = Se precisar para o seu trabalho, peça à administração.
code-cross-site = Pedido vindo de outro site
code-cross-site-detail = Nada foi feito. Abra o Zelo direto no navegador e repita.
code-not-found = Não encontrado
code-not-found-detail = O endereço não existe ou está fora da sua equipe de cuidado.
code-method = Método não aceito aqui
code-method-detail = Veja os métodos aceitos na documentação da API.
code-invalid = Pedido inválido
code-invalid-detail = Algum campo falta ou não tem a forma esperada.
code-reason = Falta o motivo
code-reason-detail = Este ato vai para a auditoria e precisa de um motivo.
code-too-large = Pedido grande demais
code-too-large-detail = Divida o pedido em partes menores. Um arquivo tem no máximo 10 MB.
code-length = Tamanho não informado
code-length-detail = Envie o cabeçalho Content-Length com o tamanho do arquivo.
code-attachments = Limite de arquivos atingido
code-attachments-detail = São no máximo 20 arquivos e 50 MB no total. Remova um arquivo antes de anexar outro.
code-media-type = Formato não aceito
code-media-type-detail = Um arquivo precisa ser uma foto (JPEG, PNG, WebP), um PDF ou texto ou CSV em UTF-8, com o conteúdo desse tipo. Programas enviam JSON.
code-claimed = Outra pessoa já assumiu
code-claimed-detail = Veja quem está com o alerta antes de agir.
code-absent = Essa pessoa está ausente
code-absent-detail = O alerta não foi passado. Escolha alguém que esteja aí agora.
code-absent-who = { $name } está ausente até { $time }.
alert-away = { $name } (ausente até { $time })
code-doubt = Confira antes de salvar
code-doubt-detail = Pode ser isso mesmo, mas parece engano. Corrija, ou confirme e envie de novo.
code-capacity = O que resta está reservado para alertas vermelhos
code-capacity-detail = Resolva ou passe adiante um alerta antes, ou peça a alguém com espaço. Vermelho nunca é recusado.
code-state = A situação não permite
code-state-detail = Algo mudou desde que a página abriu. Recarregue e veja.
code-conflict = Já existe, ou já foi decidido
code-conflict-detail = Nada foi mudado. Recarregue e veja como está agora.
code-stale-term = O termo mudou
code-stale-term-detail = O texto mostrado não é mais o vigente. Recarregue, leia e responda de novo.
code-idempotency = Chave de idempotência repetida
code-idempotency-detail = A mesma chave veio com outro conteúdo.
code-precondition = Versão desatualizada
code-precondition-detail = Alguém mudou isto antes de você. Recarregue e refaça.
code-precondition-required = Falta a versão
code-precondition-required-detail = Envie If-Match com o ETag lido.
code-rate = Tentativas demais
code-rate-detail = Espere um pouco antes de tentar de novo.
code-audit = Acesso não registrado, nada mostrado
code-audit-detail = A auditoria não respondeu em dois segundos. Tente de novo em instantes.
code-busy = Servidor ocupado
code-busy-detail = Nada se perdeu. Tente de novo em instantes.
code-unsure = Não se sabe se foi gravado
code-unsure-detail = A resposta do banco de dados se perdeu no caminho. Veja se o que você pediu já aparece; só se não aparecer, peça de novo. Uma revogação pode ser repetida sem risco.
code-disk-full = Disco do servidor cheio
code-disk-full-detail = Nada foi gravado. Avise a administração de que o disco do banco de dados está cheio; quando houver espaço, repita.
code-internal = Algo deu errado
code-internal-detail = Já está no log do servidor. Tente de novo; se repetir, avise a administração.
code-no-record = Consentimento nunca pedido
code-no-record-detail = Peça o consentimento do paciente para esta finalidade.
code-pending = Consentimento sem resposta
code-pending-detail = O paciente ainda não respondeu ao termo.
code-refused = Consentimento recusado
code-refused-detail = O paciente disse não, e pode mudar de ideia quando quiser.
code-revoked = Consentimento revogado
code-revoked-detail = Esta finalidade fica sem efeito até um novo consentimento. As outras seguem como estão.
code-suspended = Consentimento suspenso
code-suspended-detail = O tratamento está bloqueado enquanto o pedido do titular é analisado.
code-expired = Consentimento expirado
code-expired-detail = O prazo do termo terminou. Peça um novo consentimento.
code-terms-changed = Termo alterado sem novo aceite
code-terms-changed-detail = A finalidade ou o compartilhamento mudou; o paciente precisa aceitar de novo.
code-parent = Finalidade principal sem consentimento
code-parent-detail = Esta finalidade depende de outra que não está concedida.
code-guardian = Falta o consentimento do responsável
code-guardian-detail = Para esta idade, um responsável precisa consentir.
code-before-grant = Medido antes do consentimento
code-before-grant-detail = O consentimento não vale para o que foi medido antes dele.
code-scope = Fora do que foi consentido
code-scope-detail = O dado, o dispositivo ou o canal não está no consentimento.
code-not-necessary = Dado não necessário à finalidade
code-not-necessary-detail = Peça só o que a finalidade precisa.
code-erased = Dados eliminados
code-erased-detail = O titular pediu a eliminação e as chaves foram destruídas.
code-blocked = Tratamento bloqueado a pedido
code-blocked-detail = O titular pediu o bloqueio; fale com o encarregado.
code-unknown-purpose = Finalidade desconhecida
code-unknown-purpose-detail = Use uma finalidade do registro.
code-not-asked = Ninguém é perguntado sobre esta finalidade
code-not-asked-detail = O Zelo não faz nada com os dados para esta finalidade, por isso não guarda resposta sobre ela.
code-prohibited = Uso proibido por lei
code-prohibited-detail = Dados de saúde não se compartilham para obter vantagem econômica.
code-no-care-plan = Sem plano de cuidado ativo
code-no-care-plan-detail = A base de tutela da saúde exige um plano de cuidado ativo.

## Escalation policies

nav-policies = Atendimento
policies-title = Políticas de escalonamento
policies-what = Quem é chamado, em que ordem, e quanto tempo cada um tem para responder. Uma mudança é uma versão nova e só vale com a aprovação de uma segunda pessoa.
policies-waiting = Propostas à espera de uma segunda pessoa
policy-yours = Proposta sua
policy-lasts = até { $span } sem resposta
policy-step = Passo { $n }
policy-starts = Início
policy-starts-at-once = o primeiro passo é chamado na hora
policy-starts-in = o primeiro passo é chamado depois de { $span }
policy-repeat = Repetição
policy-repeats =
    { $n ->
        [0] não repete
        [one] repete mais { $n } vez
       *[other] repete mais { $n } vezes
    }
policy-acknowledged = Reconhecido e não resolvido
policy-acknowledged-for = chama de novo depois de { $span }
policy-acknowledged-never = não chama de novo
policy-nobody = Ninguém alcançado
policy-nobody-every = { $step }, repetido até que alguém assuma
policy-certificate-only = Só com certificado válido
policy-skip-if-empty = Se não houver ninguém, passa ao próximo passo
policy-waits-if-empty = se não houver ninguém, espera
policy-target-unknown = { $name } (não existe)
policy-person = pessoa
policy-role = papel
policy-schedule = escala
policy-team = time
policy-schedules = Escalas
policy-roles = Papéis
policy-teams = Times
policy-people = Pessoas
policy-person-gone = Pessoa que saiu
policy-by-name = pelo nome
policy-because-rotation = vez no rodízio { $n }
policy-because-temporary = escala temporária
policy-because-override = troca de plantão
policy-because-stands-in = no lugar de quem está ausente
policy-left-disabled = sem acesso
policy-left-held = não entra: a conta espera que uma segunda pessoa a confirme
policy-left-certificate = sem certificado válido
policy-left-twice = já chamado
policy-left-role = a função não pode responder a alertas
policy-left-absent = ausente
policy-finds-nobody = Ninguém seria chamado
policy-line-new = novo
policy-line-gone = sai
policy-line-changed = muda
policy-before = Em vigor
policy-after = Proposto
policy-proposal = Proposta v{ $version }
policy-second-person = Quem propôs não aprova: peça a uma segunda pessoa.
policy-approve = Aprovar e pôr em vigor a v{ $version }
policy-refuse = Recusar a v{ $version }
policy-withdraw = Retirar a v{ $version }
policy-steps = Em vigor, passo a passo
policy-not-in-force = Nenhuma versão está em vigor.
policy-now = Quem seria chamado às { $time }
policy-now-draft = Quem a proposta chamaria às { $time }
policy-now-what = Por qual destino, por que, e quem fica de fora.
policy-editor = Propor mudança
policy-editor-what = Nada muda até que uma segunda pessoa aprove. Alertas em andamento seguem a versão com que começaram.
policy-history = Todas as versões
policy-proposed-at = Proposta em
policy-superseded = Substituída
policy-proposed = Em espera
policy-refused = Recusada
policy-name-pt = Nome em português
policy-name-en = Nome em inglês
policy-starts-after = Minutos antes do primeiro passo
policy-repeat-field = Repetições
policy-acknowledged-field = Minutos até chamar de novo
policy-acknowledged-hint = Depois de reconhecido, se ninguém resolver. Vazio: não chama de novo.
policy-target = Destino { $n }
policy-target-add = Mais um destino
policy-target-none = nenhum
policy-minutes = Minutos para responder
policy-every = Repete a cada (minutos)
policy-up = Subir
policy-remove = Remover
policy-add = Mais um passo
policy-check = Ver o que muda
policy-rehearse = Simular com o último mês
policy-rehearse-held = Simular a versão em vigor com o último mês
policy-propose = Propor
policy-changes = O que muda
policy-changes-nothing = Nada muda em relação à versão em vigor.
policy-wrong =
    { $n ->
        [one] Um campo precisa de correção
       *[other] { $n } campos precisam de correção
    }
policy-wrong-name = Dê um nome.
policy-wrong-wait = Minutos inteiros, até 10.080 (uma semana).
policy-wrong-repeat = De 0 a 9 vezes.
policy-wrong-minutes = De 1 a 10.080 minutos.
policy-wrong-role = Só é possível chamar quem pode responder: atendimento, técnico, clínico ou gestão.
policy-beyond-start = Um vermelho chama o primeiro passo em até 15 min.
policy-beyond-step = Um vermelho espera cada passo por até 60 min.
policy-beyond-top = Um vermelho chega ao fim da política em até 8 h, com as repetições.
policy-beyond-answer = A resposta a um vermelho vale por até 240 min sem resolução; depois, ele chama de novo.
policy-beyond-repeat = Um vermelho que ninguém atendeu chama de novo a cada 60 min, no máximo.
level-beyond-slow = O prazo de um vermelho conta dia e noite: até 240 min para a resposta e até 4.320 min para a resolução.
level-beyond-mute = Um prazo de vermelho que estoura chama alguém: escolha uma política.
red-beyond = além do limite de um vermelho
policy-wrong-targets = Escolha ao menos um destino.
policy-wrong-no-steps = A política precisa de ao menos um passo.
policy-wrong-many-steps = No máximo 20 passos.
policy-rehearsed = De { $from } a { $to }
policy-rehearsed-alerts =
    { $n ->
        [one] { $n } alerta vermelho.
       *[other] { $n } alertas vermelhos.
    }
policy-rehearsed-how = Com as pessoas e escalas de hoje, e supondo que cada um respondeu quando respondeu.
policy-rehearsed-before = em vigor: { $n }
policy-rehearsed-steps = Chamadas por passo
policy-rehearsed-step = Passo
policy-rehearsed-people = Quem seria mais chamado
policy-pages = Chamadas
policy-empty = Sem ninguém
policy-unanswered = Ninguém alcançado
policy-worst = Chamadas a uma pessoa num dia, no máximo
policy-worst-day = No pior dia
policy-day = Dia
code-stale-step = Já escalou
code-stale-step-detail = Outra pessoa foi chamada depois do que esta página mostrava. Olhe de novo antes de chamar mais alguém.
code-four-eyes = Precisa de uma segunda pessoa
code-four-eyes-detail = Quem propôs não aprova, e quem segurou o alerta vezes demais passa a vez. Peça a outra pessoa com esse direito.

## Escalations, pages to people, and how the engine does

queue-unreached-group = Ninguém alcançado: alguém precisa assumir agora
countdown-due = agora
claimed-until = até { $time }
act-unack = Desfazer reconhecimento
did-given-back = { $who } não podia responder; o caso voltou à fila
did-unacknowledged = Desfez o reconhecimento
did-moved = As leituras deste alerta são de outra pessoa e saíram deste paciente
did-returned = As leituras voltaram a este paciente
did-elsewhere = Antes, quando as leituras estavam com outro paciente: { $act }
escalation-title = Escalonamento
escalation-waiting = À espera de resposta
escalation-answered = { $who } respondeu
escalation-held = Assumido por { $who }
escalation-silenced = Adiado por { $who } até { $time }
escalation-nobody = Ninguém respondeu. Assuma este alerta agora.
escalation-no-basis = Sem base legal para chamar: o caso fica na fila até que alguém o assuma.
escalation-done = Encerrado
escalation-spoiled = O escalonamento parou por um erro: chame alguém você mesmo.
escalation-paged = chamado
escalation-joined = entrou de plantão e foi chamado
escalation-empty = ninguém foi encontrado
escalation-resumed = voltou a chamar
escalation-withheld = sem base legal para chamar
escalation-round = { $n }ª volta
escalation-handed-over = Passado adiante
escalation-deadline-near = Prazo perto do fim
escalation-deadline-passed = Prazo estourado
escalation-next-at = às { $time }, em
escalation-force = Chamar o próximo passo agora
channel-in-app = Painel
channel-email = E-mail
channel-webhook = Webhook
receipt-due = na fila
receipt-sending = enviando
receipt-accepted = aceito
receipt-sent = enviado
receipt-delivered = entregue
receipt-read = lido
receipt-failed = falhou
receipt-cancelled = cancelado
pager-called = Um alerta espera a sua resposta
pager-unreached = Ninguém respondeu a um alerta: assuma
pager-on-call = Começa o seu plantão: veja a escala
pager-swap = Uma troca de plantão espera por você, ou foi respondida
pager-absence = Alguém da equipe registrou a própria ausência
pager-absence-changed = Alguém da equipe alterou a própria ausência
pager-absence-ended = Alguém da equipe retirou a própria ausência
pager-own-absence = Registraram uma ausência sua: confira
pager-own-absence-changed = Alteraram uma ausência sua: confira
pager-own-absence-ended = Retiraram uma ausência sua: as escalas contam com você
pager-stand-in = Você entra no lugar de alguém: veja quando
pager-stand-in-changed = Mudou o período em que você entra no lugar de alguém: veja quando
pager-stand-in-ended = Um plantão em que você entraria no lugar de alguém não é mais seu
pager-dead-step = Um passo da escalada não chama ninguém: troque as pessoas
pager-red-bounds = Uma regra de alerta vermelho permite esperar demais
pager-program-gone = Um programa não quer mais chamadas: o webhook foi desativado
pager-program-refuses = Um programa redireciona ou recusa as chamadas: confira o endereço do webhook
pager-coverage = Falta gente na escala: complete
pager-warned = Falta pouco para estourar o prazo deste alerta
pager-breached = O prazo deste alerta estourou
pager-out-of-reach = Os e-mails a alguém da equipe são recusados: veja quem é
pager-log-broken = O registro de auditoria não está íntegro: veja onde
pager-lapse = O sistema está atrasado: veja o que parou
pager-overnight = Houve atrasos fora do expediente: veja se algo continua parado
pager-worn = Um alerta vermelho ficou tempo demais nas mesmas mãos: outras pessoas são chamadas
sound-on = Som ligado
sound-off = Som desligado
sound-blocked = O navegador bloqueia o som nesta aba até você clicar nela. Clique em qualquer lugar.
status-jobs = Trabalhos em segundo plano
status-job-node = servidor
status-log-broken = O registro de auditoria não está íntegro
job-audit-verification = Verificação do registro
job-queued = Na fila: começa em instantes
job-begins = começando
job-cancelling = cancelando
job-since = desde { $time }
job-of = { $done } de { $total }
status-lapses = Atrasos detectados
status-heartbeat = Vigia ativo
status-no-heartbeat = O vigia não dá sinal
status-no-lapses = Nada atrasado.
status-lapse = O quê
status-expected = Previsto
status-noticed = Notado
status-messages = Mensagens a caminho
status-gone = entregues ao canal (24 h)
status-resting = em pausa até { $time }
status-rests = Em pausa
status-rests-domain = Domínio
status-rests-mailbox = Caixa de e-mail
status-rests-program = Programa (webhook)
status-rests-when = desde { $since }, pergunta de novo às { $until }
status-asked = em uso
status-not-set-up = não configurado
status-no-email = Ninguém é chamado por e-mail. Informe um servidor em notify_smtp_url e o endereço deste painel em notify_base_url, e reinicie (docs/OPERATIONS.md).
status-no-webhook = Nenhum programa é chamado. Quem administra pode acrescentar um na página Webhooks.
lapse-late-step = Passo de escalonamento atrasado
lapse-late-timer = Prazo atrasado
lapse-late-message = Mensagem atrasada
lapse-late-program = Programa que não responde às chamadas
lapse-waiting =
    { $n ->
        [one] { $n } chamada espera por ele
       *[other] { $n } chamadas esperam por ele
    }
lapse-stuck-message = Mensagem parada no envio
lapse-unescalated-red = Alerta vermelho sem escalonamento
lapse-set-aside = Linha separada por erro
lapse-other = Outro atraso
pager-waiting =
    { $n ->
        [one] { $n } chamado para você
       *[other] { $n } chamados para você
    }
pager-notices =
    { $n ->
        [one] { $n } aviso para você
       *[other] { $n } avisos para você
    }
pager-and-notices =
    { $n ->
        [one] e mais { $n } aviso
       *[other] e mais { $n } avisos
    }
pager-times =
    { $n ->
        [one] { $n } vez
       *[other] { $n } vezes
    }
## The clocks of an alert, and the steps ahead

sla-title = Prazos (SLA)
sla-first-response = Primeira resposta
sla-resolution = Resolução
sla-of = { $metric } (alerta { $level })
sla-running = no prazo
sla-paused = pausado: { $why }
sla-warned = perto do fim
sla-breached = prazo vencido
sla-met = cumprido
sla-late = cumprido com atraso
sla-withdrawn = encerrado sem valer
sla-open-time = { $span } de expediente
sla-days =
    { $n ->
        [one] { $n } dia
       *[other] { $n } dias
    }
sla-working-days =
    { $n ->
        [one] { $n } dia útil
       *[other] { $n } dias úteis
    }
sla-used = Usado { $used } de { $target }
sla-due = vence às { $time }, em
sla-was-due = prazo até { $time }
sla-warned-at = Avisado às { $time }
sla-warns-at = Avisa às { $time }
sla-stopped = encerrado às { $time }
sla-calendar = Conta no expediente de
sla-always = Conta dia e noite
sla-earlier =
    { $n ->
        [one] { $n } contagem antes desta
       *[other] { $n } contagens antes desta
    }
sla-trace = Histórico do prazo
sla-stood = pausado: { $why }
sla-ran = contou
sla-resume = Retomar
sla-pause = Pausar prazo
sla-pause-why = O que se espera?
sla-pause-hint = No caso inteiro, o prazo fica pausado por no máximo sete dias; em alerta vermelho, por um dia, e a pausa seguinte cabe a outra pessoa. Tudo fica na auditoria. A primeira resposta não pode ser pausada.
sla-pause-do = Pausar os prazos
pause-waiting-patient = resposta do paciente
pause-waiting-third-party = ação de um terceiro
pause-scheduled-callback = ligação combinada
closed-off-hours = fora do expediente
closed-day-off = dia sem expediente
field-pause = Escolha o que se espera.
escalation-ahead = Depois, se ninguém responder
escalation-ahead-at = por volta de { $time }
escalation-ahead-hint = Com quem estará de plantão nessas horas, pela escala de agora.
escalation-rounds-left =
    { $n ->
        [one] Todos os passos mais uma vez
       *[other] Todos os passos mais { $n } vezes
    }

## Around a schedule: what it needs, teams, people on duty

duty-tab-schedules = Escalas
name-pt = Nome em português
name-en = Nome em inglês
lasting-id = Identificador
lasting-id-hint = Fica para sempre e aparece nas políticas: letras minúsculas, números, _ e -.
schedule-new = Nova escala
schedule-new-do = Criar a escala
need-title = O que ela exige
need-edit = Nome, fuso e exigências
need-zone = Fuso horário
need-zone-hint = Como America/Sao_Paulo ou America/Manaus. Os turnos seguem o relógio de lá.
need-hours = Máximo de horas por pessoa por semana
need-most = até { $n } h por pessoa por semana
need-most-averaged = na média de { $n } semanas
need-weeks = Semanas da média
need-weeks-hint = 1: em quaisquer sete dias. 12/36 dá 48 h numa semana e 36 h na outra: com 2, vale a média de 42 h.
need-certificate = certificado válido
need-hint = Quem não tem certificado válido, quando ele é exigido, aparece nos problemas.
need-save = Salvar
teams-title = Equipes
teams-what = Pessoas que uma política chama juntas.
teams-none = Nenhuma equipe ainda
teams-none-next = Crie uma para chamá-la em uma política.
teams-change = Mudar as equipes
team-empty = Sem ninguém: chamá-la não alcança ninguém
team-new = Nova equipe
team-new-do = Criar a equipe
team-edit = Equipe { $name }
team-members = Quem faz parte
team-save = Salvar a equipe
people-title = Pessoas de plantão
people-what = Quem pode estar de plantão, com o que carrega e por onde é alcançado.
people-away = Ausente até { $time }
people-certificate = Certificado profissional
people-reach = Alcance
people-only-dashboard = Só o painel aberto
people-only-dashboard-what = Ninguém acorda com um painel fechado: configure o e-mail, ou corrija o endereço desta pessoa.
people-lost = { $channel } não alcança
people-reached-again = Alcança de novo
people-lost-what = Nada é enviado por um canal que não alcança, até alguém dizer que voltou.
people-load = Carga
people-no-alerts = Este papel não assume alertas
lost-bounced = As mensagens voltaram
lost-by-hand = Anotado por alguém
certificate-none = Nenhum anotado
certificate-until = válido até { $day }
certificate-over = venceu em { $day }
certificate-noted = Anotado por
certificate-what = Uma escala que exige certificado só chama quem tem um válido.
licence-council = Conselho
licence-number = Número do registro
licence-hint = Como COREN-SP e o número no registro dele. Pode ficar em branco.
field-licence = Escreva o conselho e o número, com até 40 letras cada, ou deixe os dois em branco.
certificate-last-day = Último dia de validade
certificate-save = Salvar o certificado
certificate-end = Retirar agora
load-of = { $load } de { $capacity }
load-free =
    { $n ->
        [one] espaço para mais { $n }
       *[other] espaço para mais { $n }
    }
load-only-red = só vermelho
load-reserve = { $n } para vermelho, { $used } em uso
capacity-set = Quantos alertas por vez
capacity-set-hint = De 0 a 500. Um décimo, arredondado para cima, fica para vermelho.
capacity-save = Salvar a capacidade
field-id = Use de 1 a 64 letras minúsculas, números, _ ou -.
field-id-taken = Este identificador já existe: escolha outro.
field-hours-a-week = Escreva de 1 a 168 horas.
field-members = Escolha no máximo 200 pessoas que possam entrar.
field-day = Escolha um dia.
field-most = Escreva um número de 0 a 500.

## How messages are written

mail-title = E-mails para você
mail-what = Em que idioma os chamados por e-mail são escritos e em que fuso contam as horas.
mail-lang = Idioma
mail-zone = Fuso horário
mail-keep = Guardar

## Trying whether a page arrives

pager-trial = Um chamado de teste chegou: abra para confirmar
trial-title = Testar se os chamados chegam a você
trial-what = Um chamado de teste toca no painel e vai por e-mail, como um de verdade. Ele diz que é um teste.
trial-tried = será testado
trial-not-tried = não será testado
trial-lost = As mensagens a você voltaram. Peça a quem cuida das escalas para corrigir o endereço e dizer que ele voltou a funcionar.
trial-no-server = Esta instalação não envia e-mail.
trial-send = Enviar um chamado de teste para mim
trial-wait = Três por hora bastam. O próximo pode sair às { $time }.
trial-enough = Três testes por hora bastam. Veja os recibos abaixo e espere até a hora indicada.
trial-none = Nenhum teste ainda.
trial-sent = Testes enviados e seus recibos
trial-arrived = O chamado de teste chegou
trial-arrived-what = Você abriu o chamado: este canal alcança você.
trial-only = Era só um teste, ninguém espera por você.
trial-back = Voltar à sua conta

## Programs that are called

webhooks-title = Webhooks
webhooks-what = Programas que o Zelo avisa quando chama alguém. Cada aviso é assinado (Standard Webhooks) e não leva nada do paciente.
webhooks-none = Nenhum programa ainda
webhooks-none-next = Quem administra pode acrescentar um.
webhook-add = Acrescentar programa
webhook-add-do = Acrescentar
webhook-url = Endereço
webhook-url-hint = https://…, sem nome nem senha nele, fora de redes privadas; estas e http:// nesta máquina só onde a configuração permite (webhook_networks).
field-url = Escreva um endereço https:// sem nome nem senha, que não leve a uma rede privada. Redes privadas, e http:// nesta máquina, só com a configuração webhook_networks.
webhook-made = Programa acrescentado
webhook-secret-once = O segredo aparece só agora: copie-o para o programa que confere a assinatura.
webhook-secret = Segredo
webhook-on = avisado
webhook-off = desligado desde { $day }
webhook-since = Desde
webhook-last = Último aviso
webhook-no-calls = Nenhum aviso.
webhook-test = Enviar um teste
webhook-replay = Enviar de novo
webhook-replay-do = Enviar de novo o que veio depois
webhook-after = Último número que chegou
webhook-after-hint = O que veio depois dele volta à fila com o mesmo webhook-id, 500 por vez. O que foi cancelado fica fora. 0: tudo.
field-after = Escreva o número do último aviso que chegou, ou 0.
webhook-again =
    { $n ->
        [one] { $n } aviso volta à fila
       *[other] { $n } avisos voltam à fila
    }
webhook-disable = Desligar
webhook-disable-effect = Nada mais é enviado a ele, e o que estava na fila falha. Isto não se desfaz: acrescente-o de novo, com outro segredo.
webhook-disable-do = Desligar agora
webhook-calls = Avisos
webhook-cursor = A partir do número
webhook-cursor-ask = Ver
webhook-newest = Os mais novos
webhook-newest-first = Os mais novos primeiro
webhook-from-cursor = Depois do número { $cursor }, na ordem em que foram planejados
webhook-place = Número
webhook-kind = Tipo
webhook-planned = Planejado
webhook-attempts = Tentativas
webhook-case = Caso

## On call

nav-schedules = Plantão
schedules-title = Plantão
schedules-none = Nenhuma escala ainda
schedule-now = De plantão agora
schedule-nobody = Ninguém de plantão
schedule-next = Próxima troca
schedule-troubles = Problemas nos próximos 30 dias
schedule-covered = Sem lacunas nem problemas
schedule-more =
    { $n ->
        [one] mais { $n } problema
       *[other] mais { $n } problemas
    }
schedule-zone = Horários de { $zone }
schedule-calendar = Duas semanas
schedule-weeks = Semanas
schedule-before = Antes
schedule-today = Hoje
schedule-after = Depois
schedule-strips = Uma faixa por pessoa; em vermelho, quando não há ninguém.
schedule-table = Turnos em tabela
schedule-why = Por quê
schedule-history = Quem estava de plantão?
schedule-history-at = Dia e hora
schedule-history-ask = Consultar
schedule-history-were = Em { $at }:
schedule-history-nobody = Em { $at }: ninguém de plantão
schedule-history-version = versão { $n }, a que valia naquele momento
schedule-history-none = Em { $at } esta escala ainda não existia.
schedule-change = Mudar a escala
duty-why-rotation = rodízio { $name }
duty-why-temporary = escala temporária
duty-why-override = substituição
duty-why-stands-in = no lugar de quem está ausente
issue-gap = Lacuna
issue-nobody-reachable = Ninguém alcançável
issue-nobody-certified = Ninguém com certificado
issue-certificate-ends = Certificado vence
issue-first-and-backup = Titular e reserva são a mesma pessoa
issue-beside-turn = Troca de um turno que mudou de hora: parte dele ficou com quem o cedeu
issue-unreachable = Nenhum canal alcança
issue-certificate-date = Validade de certificado improvável
issue-overload = Sobrecarga
issue-span = de { $from } a { $to }
issue-hours = { $n } h por semana
swaps-title = Trocas entre colegas
swaps-none = Nenhuma troca à espera.
swap-do = Trocar ou assumir um turno
swap-hint = Ofereça um turno seu, a uma pessoa ou a quem vier, ou escolha o turno de alguém para assumir. Vale quando o outro lado aceita; não precisa de gestor.
swap-turn = Turno
swap-with = Com quem
swap-anybody = Quem aceitar primeiro
swap-back = Em troca de
swap-nothing = Nada
swap-save = Propor
swap-gives = { $giver } daria o turno a { $taker }
swap-gives-anybody = { $giver } oferece o turno a quem aceitar
swap-accept = Aceitar
swap-decline = Recusar
swap-withdraw = Retirar
absence-title = Ausências
absence-own = Registrar que vou me ausentar
absence-who = Quem e quando
absence-ask = Ver os turnos
absence-turns = Turnos nesse período
absence-no-turns = Nenhum turno nas escalas de hoje. A ausência vale também para as que vierem.
absence-ahead = Ausências de agora em diante
absence-none = Nenhuma ausência registrada.
absence-noted-by = Registrada por { $name }
absence-stands = Já há uma ausência de { $name } nesse período: { $span }.
absence-change-it = Mudar essa ausência
absence-change = Mudar
absence-take = Retirar a ausência
absence-take-hint = O que já passou fica como foi; daqui em diante a pessoa volta às escalas e quem entrou no lugar sai.
absence-stands-in = Entra no lugar: { $names }
absence-hint = Escolha quem entra em cada turno. Vale de uma vez, em todas as escalas, também nas que ainda vierem.
absence-by = Quem entra
absence-by-away = { $name } (ausente: { $span })
absence-nobody = Ninguém
absence-save = Registrar a ausência
absence-done = Ausência registrada: { $name }
absence-changed = Ausência alterada: { $name }
absence-taken = Ausência retirada: { $name }
absence-taken-now = A partir de agora a pessoa volta às escalas, e quem entraria no lugar não entra mais.
absence-covered = Todos os turnos estão cobertos
absence-uncovered =
    { $n ->
        [one] Ficou um período sem ninguém de plantão que possa ser chamado: cubra agora
       *[other] Ficaram { $n } períodos sem ninguém de plantão que possa ser chamado: cubra agora
    }
changes-title = Mudanças em vigor
changes-none = Nenhuma mudança: valem os rodízios.
changes-hint = Ficam por cima dos rodízios, na ordem desta lista, até o fim de cada uma.
change-add = { $name } vem a mais
change-remove = { $name } fica de fora
change-replace = { $comes } no lugar de { $gone }
change-temporary = Escala temporária: { $names }
change-temporary-nobody = Escala temporária: ninguém de plantão
change-edit = Mudar
change-edit-this = Mudar: { $what }
change-take = Desfazer
change-take-this = Desfazer: { $what }
change-save = Salvar a mudança
temporary-do = Escala temporária
temporary-hint = Neste período só valem os turnos daqui, como num feriado ou num mutirão. Turno sem horas dura o período todo; sem turno nenhum, ninguém fica de plantão.
temporary-save = Salvar a escala temporária
doubt-far-ahead = Começa daqui a mais de seis meses: o ano está certo?
doubt-long = Dura mais de um mês: o fim está certo?
doubt-not-on-call = Quem sai não está de plantão nesse período: nada mudaria.
doubt-on-call-already = Quem entra já está de plantão nesse período.
doubt-absent = Quem entra está ausente em parte desse período. Se confirmar, entra mesmo assim.
doubt-readings-leave = O que o dispositivo mediu desde { $time } deixa de ser deste paciente: { $count }. Os alertas que vieram só disso são encerrados.
doubt-sure = É isso mesmo
override-do = Trocar um turno
override-hint = Só quem entra: vem a mais. Só quem sai: fica de fora. Os dois: um no lugar do outro.
override-add = Quem entra
override-remove = Quem sai
override-save = Salvar a troca
rotation-new = Novo rodízio
rotation-edit = Rodízio { $name }
rotation-beyond = Este rodízio alterna mais de dois turnos: mude-o pela API.
rotation-starts = Primeiro turno começa
rotation-ends = Último turno termina (vazio: nunca)
rotation-length = Duração do turno
rotation-length-other = Alternando com (opcional)
rotation-count = Quantidade
rotation-unit = Unidade
rotation-people = Pessoas, na ordem dos turnos
rotation-turn = { $n }ª pessoa
rotation-hours = Horas do dia
rotation-hours-hint = Como 07:00-12:00 13:00-19:00. Tudo vazio: dia e noite.
rotation-save = Salvar o rodízio
rotation-remove = Remover o rodízio { $name }
unit-hours = horas
unit-days = dias
unit-weeks = semanas
unit-months = meses
rotation-overlap = Minutos em que quem sai fica junto com quem entra
rotation-counted = Turnos sem horas também contam (como um domingo num rodízio de dias úteis)
weekday-mon = seg
weekday-tue = ter
weekday-wed = qua
weekday-thu = qui
weekday-fri = sex
weekday-sat = sáb
weekday-sun = dom
feed-title = No seu calendário
feed-hint = Um endereço secreto que outros calendários leem. Mostra os turnos com o primeiro nome, nada mais.
feed-make = Criar endereço
feed-renew = Criar outro e encerrar este
feed-end = Encerrar endereço
feed-made = Endereço criado
feed-once = Ele aparece só agora. Quem o tiver vê os turnos: guarde-o como uma senha.
feed-address = Endereço do calendário
capacity-title = Capacidade e carga
capacity-hint = Um décimo da capacidade de cada pessoa fica para alertas vermelhos. Alertas vermelhos nunca são recusados.
capacity-reserve-used = Reserva em uso
capacity-waiting = Esperam alguém, abaixo de vermelho
capacity-displaced = Destes, sem espaço com ninguém
capacity-load = Carga
capacity-most = Capacidade
capacity-free = Espaço
capacity-full = Só vermelho

## Settings kept in versions: tabs, beginning one

kept-tabs = Regras de atendimento
kept-policies = Escalonamento
kept-service-levels = Prazos
kept-calendars = Calendários
kept-templates = Mensagens
kept-none = Nada em vigor
kept-none-next = O que vem com o sistema entra em vigor quando o serviço inicia.
kept-id = Identificador
kept-id-hint = Fica para sempre em endereços e na auditoria: letras minúsculas sem acento, números e _, como plantao_noturno.
kept-id-wrong = De 1 a 64 letras minúsculas sem acento, números e _.
kept-id-taken = Já existe: abra-o na lista ou escolha outro identificador.
kept-begin = Continuar
policies-begin = Nova política

## Service levels

levels-title = Prazos (SLA)
levels-what = Em quanto tempo um alerta é respondido e resolvido, em que calendário, e o que acontece quando o prazo passa. Uma mudança só vale com a aprovação de uma segunda pessoa.
levels-begin = Novo prazo
level-in-force = Em vigor
level-level = Para alertas
level-metric = O relógio para quando
level-first-response = uma pessoa reconhece o alerta
level-resolution = o caso é resolvido
level-target = Prazo
level-count = Prazo: quantidade
level-unit = Prazo: contado em
level-unit-minutes = minutos corridos
level-unit-open-minutes = minutos de calendário aberto
level-unit-days = dias corridos, até o fim do dia
level-unit-working-days = dias úteis, até o fim do dia
level-in-minutes = { $span }, dia e noite
level-in-open-minutes = { $span } de calendário aberto
level-in-days =
    { $n ->
        [one] fim do dia seguinte
       *[other] fim do { $n }º dia
    }
level-in-working-days =
    { $n ->
        [one] fim do dia útil seguinte
       *[other] fim do { $n }º dia útil
    }
level-calendar = Calendário
level-on-breach = Se o prazo estourar, aciona
level-no-policy = nenhuma política
level-editor-what = Nada muda até que uma segunda pessoa aprove. Relógios que já correm seguem a versão com que começaram.
level-now = Um alerta que chegasse agora teria até
level-warned = aviso em
level-never = nunca: o calendário não abre mais
level-drafted = Com o que está escrito
level-wrong-level = Escolha vermelho ou amarelo.
level-wrong-last = Sem este prazo, nenhum outro pediria a primeira resposta a um alerta vermelho: ponha outro em vigor antes.
level-wrong-metric = Escolha o que para o relógio.
level-wrong-unit = Escolha minutos ou dias.
level-wrong-target = Número inteiro, de 1 minuto a 366 dias.
level-wrong-calendar = Escolha um calendário em vigor.
level-wrong-policy = Escolha uma política em vigor, ou nenhuma.

## Calendars

calendars-title = Calendários de atendimento
calendars-what = Quando se trabalha: os prazos em horas e dias úteis contam só o tempo aberto. Uma mudança vale na hora; relógios que já correm seguem a versão com que começaram.
calendars-begin = Novo calendário
calendar-zone = Fuso horário
calendar-holidays = Feriados
calendar-no-holidays = não fecha em feriados
calendar-national = nacionais
calendar-national-only = só nacionais
calendar-and-state = nacionais e { $name }
calendar-city = município: { $name }
calendar-city-field = Feriados municipais
calendar-city-none = nenhum
calendar-city-hint = De outro município, escreva os feriados como dias próprios.
calendar-closed = fechado
calendar-is-open = Aberto agora
calendar-is-closed = Fechado agora
calendar-week = Semana
calendar-week-hint = Intervalos em ordem, como 08:00-12:00 13:00-18:00; o dia termina às 24:00. Vazio: fechado.
calendar-day = Dia
calendar-open-hours = Aberto
calendar-why = Por quê
calendar-strip = Das 0 às 24 h
calendar-scope = De onde vem
calendar-scope-national = nacional
calendar-scope-state = estadual
calendar-scope-municipal = municipal
calendar-scope-own = deste calendário
calendar-year = Feriados e dias próprios nos próximos 12 meses
calendar-year-none = Nenhum.
calendar-ahead = Próximos 30 dias
calendar-ahead-draft = Próximos 30 dias com o que está escrito
calendar-own-days = Dias próprios
calendar-own-days-count =
    { $n ->
        [one] { $n } dia
       *[other] { $n } dias
    }
calendar-own-day = Dia próprio { $n }
calendar-own-hint = Valem antes da semana e dos feriados: feriado municipal, meio expediente, ponte, feriado trabalhado. Sem horas: fechado. Para remover um dia, apague os três campos.
calendar-yearly = Todo ano
calendar-own-label = Por quê
calendar-editor = Mudar o calendário
calendar-editor-what = Veja antes o que muda nos próximos dias. Vale assim que for posto em vigor.
calendar-save = Pôr em vigor
calendar-wrong-zone = Escolha um fuso como America/Sao_Paulo.
calendar-wrong-state = Escolha um estado da lista.
calendar-wrong-city = Escolha um município do estado escolhido, ou nenhum.
calendar-wrong-form = "{ $part }" não é um intervalo: escreva como 08:00-12:00.
calendar-wrong-backwards = "{ $part }" termina antes de começar; por cima da meia-noite são dois, em dois dias.
calendar-wrong-order = "{ $part }" encosta no anterior ou vem antes dele: em ordem, e juntos se encostam.
calendar-wrong-red = O prazo “{ $level }” é de alertas vermelhos e conta com este calendário, que por isso não fecha nunca.
calendar-wrong-never = O prazo “{ $level }” conta com este calendário, que assim não abriria nunca.
calendar-wrong-date = Escolha a data.
calendar-wrong-label = Diga por quê.
calendar-wrong-twice = Esta data já está em outra linha.

## Message templates

templates-title = Mensagens
templates-what = O que dizem os avisos que saem daqui: que algo espera, nunca o quê. Uma mudança só vale com a aprovação de uma segunda pessoa.
template-clinical = alguém precisa vir
template-transactional = o que foi pedido ou combinado
template-care = cuidado e lembretes
template-marketing = pesquisas e campanhas
template-reads = Prévia
template-reads-what = Com valores de exemplo.
template-drafted = Como se leria o que está escrito
template-in-pt = Em português
template-in-en = Em inglês
template-editor-what = Nada muda até que uma segunda pessoa aprove. O que já está planejado sai com as palavras de antes. Entre chaves, o que é preenchido na hora:
template-subject-pt = Assunto em português
template-subject-en = Assunto em inglês
template-text-pt = Texto em português
template-text-en = Texto em inglês
template-link = o endereço onde entrar e ver
template-repetition = o número da repetição
template-since = desde quando algo espera
template-from = o início de um turno
template-until = o fim de um turno, ou um prazo
template-count = quantos são
template-cases = os casos que esperam, um por linha
template-tells-vital = um sinal vital
template-tells-level = a cor de um alerta
template-tells-specialty = uma especialidade ou doença
template-wrong-tells = "{ $word }…" revela { $what }: diga só que algo espera.
template-wrong-empty = Escreva nos dois idiomas.
template-wrong-subject = Uma linha só, até 200 caracteres (80 no nome), todos visíveis.
template-wrong-unseen = Retire os caracteres invisíveis: digite o texto de novo.
template-wrong-brace = Uma chave não fecha nada. Entre chaves só: { $names }.
template-wrong-unknown = "{ $name }" não existe. Entre chaves só: { $names }.
template-wrong-not-given = Não há com que preencher { $name } nestas mensagens. Entre chaves só: { $names }.
template-wrong-one-language = { $name } está só no outro idioma: use nos dois.

code-step-up = Confirme que é você
code-step-up-detail = Papéis, redefinições e exportações pedem que você tenha se identificado nos últimos cinco minutos: a página pede senha e código e continua; um programa entra de novo (POST /api/v1/auth/token) e repete.
confirm-what = Esta ação pede sua senha mais uma vez. O que você preencheu foi mantido, e a ação continua daqui.
confirm-do = Confirmar e continuar
code-held = O acesso espera outra pessoa
code-held-detail = Uma mudança neste acesso ainda não foi confirmada por uma segunda pessoa. Peça a confirmação a quem administra ou gerencia.
code-factor = Falta o segundo fator
code-factor-detail = O seu papel exige um segundo fator. Entre pelo navegador, configure-o em Minha conta e entre de novo.
code-last-admin = Não sobraria quem administra
code-last-admin-detail = É a única pessoa que administra os acessos. Primeiro crie outra.

user-vouch = Confirmar acesso
user-held = espera confirmação
user-unlock = Desbloquear
user-unlock-do = Deixar entrar de novo
user-lock-do = Bloquear agora
user-lock-shifts = De plantão agora e nos próximos 14 dias; estes turnos ficam sem ninguém:
user-lock-no-shift = Nenhum plantão nos próximos 14 dias.
user-lock-now = agora
user-lock-teams = Nas equipes
user-lock-policies = Chamada pelas políticas
user-lock-open = { $n ->
    [0] Nenhum alerta aberto está com esta pessoa.
    [one] { $n } alerta está com esta pessoa (assumido, reconhecido, adiado ou passado a ela) e volta à fila na hora.
   *[other] { $n } alertas estão com esta pessoa (assumidos, reconhecidos, adiados ou passados a ela) e voltam à fila na hora.
}
user-lock-red = { $n ->
    [one] { $n } deles é vermelho: os próximos da escala são chamados agora.
   *[other] { $n } deles são vermelhos: os próximos da escala são chamados agora.
}

## Kinds of entries of the log

audit-term-published = Termo publicado
audit-policy-published = Política de consentimento publicada
audit-consent-offered = Consentimento pedido
audit-consent-granted = Consentimento concedido
audit-consent-refused = Consentimento recusado
audit-consent-revoked = Consentimento revogado
audit-consent-expired = Consentimento expirado
audit-consent-superseded = Consentimento superado por novo termo
audit-consent-suspended = Consentimento suspenso
audit-consent-resumed = Consentimento retomado
audit-decision-batch = Decisões de um lote
audit-decision-deny = Decisão: negado
audit-telemetry-batch = Leituras recebidas
audit-patient-registered = Paciente cadastrado
audit-patient-corrected = Cadastro do paciente corrigido
audit-device-enrolled = Dispositivo cadastrado
audit-device-disabled = Dispositivo desativado
audit-device-enabled = Dispositivo reativado
audit-device-kicked = Dispositivo desconectado
audit-device-bound = Dispositivo vinculado
audit-device-unbound = Dispositivo desvinculado
audit-device-token = Código de acesso de dispositivo
audit-device-commanded = Comando a dispositivo
audit-reading-amended = Leitura corrigida
audit-device-command-cancelled = Comando cancelado
audit-clock-stepped = Relógio do servidor saltou
audit-node-thread-ended = Parte do servidor falhou
audit-quarantine-released = Leitura liberada da quarentena
audit-quarantine-discarded = Leitura descartada da quarentena
audit-alert-raised = Alerta aberto
audit-alert-judged = Alerta reavaliado
audit-alert-escalated = Alerta escalonado
audit-alert-claimed = Alerta assumido
audit-alert-ack = Alerta reconhecido
audit-alert-given-back = Alerta de volta à fila
audit-alert-unack = Reconhecimento desfeito
audit-alert-snoozed = Alerta adiado
audit-alert-reassigned = Alerta passado a outra pessoa
audit-alert-unreached = Alerta sem ninguém alcançado
audit-alert-closed = Alerta resolvido
audit-attachment-added = Arquivo anexado
audit-attachment-removed = Arquivo removido
audit-rule-proposed = Regra proposta
audit-rule-approved = Regra aprovada
audit-rule-published = Regra em vigor
audit-config-proposed = Configuração proposta
audit-config-approved = Configuração aprovada
audit-shift-offered = Troca de plantão proposta
audit-shift-taken = Troca de plantão aceita
audit-shift-declined = Troca de plantão recusada ou retirada
audit-shift-absent = Ausência em todas as escalas
audit-shift-absence-changed = Ausência alterada
audit-shift-absence-ended = Ausência retirada
audit-config-refused = Configuração recusada
audit-message-queued = Mensagem na fila
audit-message-sent = Mensagem enviada
audit-message-failed = Mensagem falhou
audit-message-suppressed = Mensagem não enviada
audit-access-read = Consulta a dados
audit-access-search = Busca
audit-access-export = Exportação
audit-access-reveal = Identidade revelada
audit-breakglass-opened = Acesso de emergência aberto
audit-breakglass-confirmed = Acesso de emergência confirmado
audit-breakglass-closed = Acesso de emergência encerrado
audit-share-sent = Dados enviados
audit-share-notice = Aviso de compartilhamento
audit-share-ack = Recebimento confirmado
audit-dsr-opened = Pedido do titular aberto
audit-dsr-answered = Pedido do titular respondido
audit-dsr-refused = Pedido do titular recusado
audit-dsr-closed = Pedido do titular encerrado
audit-erase-requested = Eliminação pedida
audit-erase-key-destroyed = Eliminação: chave destruída
audit-erase-verified = Eliminação verificada
audit-retention-disposed = Dados descartados por prazo
audit-retention-held = Descarte suspenso
audit-incident-opened = Incidente aberto
audit-incident-assessed = Incidente avaliado
audit-incident-notified = Incidente comunicado
audit-incident-closed = Incidente encerrado
audit-key-created = Chave criada
audit-key-rotated = Chave trocada
audit-key-destroyed = Chave destruída
audit-auth-login = Entrada
audit-auth-fail = Entrada recusada
audit-auth-mfa = Segundo fator
audit-auth-session-killed = Sessão encerrada
audit-admin-role = Acesso de usuário alterado
audit-admin-config = Administração alterada
audit-log-opened = Log aberto
audit-log-sealed = Log assinado
audit-backup-made = Cópia de segurança feita
audit-backup-restored = Cópia de segurança restaurada
audit-backup-acknowledged = Restauração reconhecida
audit-clock-skew = Relógios diferentes
audit-sla-started = Prazo iniciado
audit-sla-warned = Prazo perto do fim
audit-sla-breached = Prazo estourado
audit-sla-paused = Prazo pausado
audit-sla-resumed = Prazo retomado
audit-sla-stopped = Prazo encerrado
audit-job-asked = Trabalho em segundo plano pedido
audit-job-cancelled = Trabalho em segundo plano cancelado
audit-job-ended = Trabalho em segundo plano encerrado
audit-engine-lapse = Atraso do sistema
audit-engine-quarantined = Linha separada por erro

## Parts of the engine

module-auditor = Vigia dos atrasos
module-bases = Bases legais
module-bounces = E-mails devolvidos
module-clock = Relógio
module-coverage = Cobertura das escalas
module-deadline = Prazos
module-departures = Casos de quem saiu
module-escalate = Escalonamento
module-jobs = Trabalhos em segundo plano
module-handover = Trocas de plantão
module-housekeeping = Limpeza
module-late-reds = Vermelhos descobertos tarde
module-moves = Leituras que mudam de paciente
module-outbox-in-app = Avisos no painel
module-outbox-email = Avisos por e-mail
module-outbox-webhook = Avisos a programas
module-reevaluate = Avaliação das leituras
module-roll = Compactação das leituras
module-seal = Assinatura do log
module-seat = Presença deste servidor
module-silence = Dispositivos em silêncio
# Quem viu os dados de quem, e quem está por trás de um pseudônimo.
accesses-title = Quem viu os dados
accesses-of = Quem viu os dados de { $patient }
accesses-patient = Paciente { $patient }
accesses-what = Cada consulta está aqui, também a recusada. Esta consulta também fica registrada, e a pessoa a vê.
accesses-newest = Consultas, da mais nova para a mais antiga
accesses-none = Ninguém consultou nada ainda
accesses-whose = Paciente
accesses-who = Quem
accesses-thing = O quê
accesses-listed = em uma lista
accesses-shown = visto
seen-identity = Nome
seen-contacts = Contatos
seen-consents = Permissões
seen-alerts = Alertas
seen-attachments = Arquivo anexado
seen-readings = Leituras
seen-looks = Quem consultou
seen-reveal = Nome por trás do pseudônimo
seen-export = Cópia dos dados
reveal = Identificar uma pessoa
reveal-what = Uma pessoa por vez, com o número da solicitação que pede isso. Fica registrado, e a pessoa vê.
reveal-person = Pseudônimo, CPF ou CNS
reveal-pseudonym = Pseudônimo
reveal-reason = Motivo: número da solicitação
reveal-do = Identificar
reveal-ask = Pedir a identificação de uma pessoa
reveal-ask-what = Quem responde é a encarregada de dados. Com o sim, você vê o nome por um dia; cada vez fica registrada, e a pessoa vê.
reveal-ask-do = Enviar pedido
reveal-sent = Pedido enviado
reveal-sent-next = A encarregada de dados responde; o pedido aparece abaixo.
reveal-noted = Esta identificação está no registro, e a pessoa a vê.
reveal-born = Nascimento: { $day }
reveal-requests = Pedidos de identificação
reveal-asked = espera resposta
reveal-approved = autorizado
reveal-refused = negado
reveal-over = prazo encerrado
reveal-approve = Autorizar por um dia
reveal-refuse = Negar
