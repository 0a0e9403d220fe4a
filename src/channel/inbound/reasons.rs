//! Why a delivery became what it became, in words: the rules that decide where it belongs, and the signs that a machine wrote
//! it.
use crate::lang::Lang;

/// A rule in words; one that needs none is told by its name.
pub(super) fn rule(rule: &str, lang: Lang) -> String {
    let known = match rule {
        "" => ["ещё не разобрано", "әлі қаралған жоқ", "not worked on yet"],
        "duplicate" | "sent_by_us" => [
            "это сообщение уже есть",
            "бұл хабарлама бұрыннан бар",
            "this message is here already",
        ],
        "reply" | "reply_address" | "in_reply_to" | "references" => [
            "ответ на сообщение этой заявки",
            "осы өтінімдегі хабарламаға жауап",
            "it answers a message of this ticket",
        ],
        "chat" => [
            "в этом чате идёт эта заявка",
            "бұл чатта осы өтінім жүріп жатыр",
            "this ticket is held in this chat",
        ],
        "first_message" => [
            "первое сообщение этого человека",
            "бұл адамның алғашқы хабарламасы",
            "the first message of this person",
        ],
        "closed_too_long_ago" | "ticket_expired" => [
            "прежняя заявка закрыта слишком давно",
            "бұрынғы өтінім тым ертеде жабылған",
            "the earlier ticket was closed too long ago",
        ],
        "ticket_is_gone" | "ticket_gone" => [
            "прежней заявки больше нет",
            "бұрынғы өтінім енді жоқ",
            "the earlier ticket is gone",
        ],
        "album" => [
            "часть альбома",
            "альбомның бір бөлігі",
            "a part of an album",
        ],
        "written_on_the_phone" => [
            "ответ написан на телефоне канала",
            "жауап арнаның телефонында жазылған",
            "the answer was written on the channel's phone",
        ],
        "group" => [
            "сообщения из групп в этом канале не принимаются",
            "бұл арнада топтардағы хабарламалар қабылданбайды",
            "this channel takes nothing from groups",
        ],
        "known_in_reply_to" | "known_references" => [
            "ответ на письмо, которое хранится в этой заявке",
            "осы өтінімде сақталған хатқа жауап",
            "it answers a mail that is kept in this ticket",
        ],
        "subject_number" => [
            "номер заявки в теме, и отправитель в ней участвует",
            "тақырыпта өтінім нөмірі бар, жіберуші оған қатысады",
            "its subject names this ticket, and the sender takes part in it",
        ],
        "unknown_sender" => [
            "ответ на наше письмо, но с чужого адреса",
            "біздің хатқа жауап, бірақ бөгде мекенжайдан",
            "it answers a mail of ours, but from an address that takes no part",
        ],
        "subject_of_stranger" => [
            "номер в теме назвал тот, кто в заявке не участвует",
            "тақырыптағы нөмірді өтінімге қатыспайтын адам жазған",
            "its subject names a ticket in which the sender takes no part",
        ],
        "reply_of_stranger" => [
            "на сохранённое письмо ответил тот, кто в заявке не участвует",
            "сақталған хатқа өтінімге қатыспайтын адам жауап берген",
            "it answers a kept mail, but the sender takes no part in that ticket",
        ],
        "no_match" => [
            "ничто не указывает на прежнюю заявку",
            "бұрынғы өтінімді ештеңе көрсетпейді",
            "nothing leads to an earlier ticket",
        ],
        "no_sender" => [
            "отправитель не назван",
            "жіберуші аталмаған",
            "it does not say who sent it",
        ],
        "own_mail_came_back" => [
            "вернулось наше собственное письмо",
            "өзіміздің хатымыз қайтып келді",
            "a mail of our own came back",
        ],
        "report_on_our_mail" => [
            "отчёт о доставке нашего письма",
            "хатымыздың жеткізілуі туралы есеп",
            "a report on a mail of ours",
        ],
        "report_on_an_unknown_mail" => [
            "отчёт о доставке письма, которое мы не отправляли",
            "біз жібермеген хаттың жеткізілуі туралы есеп",
            "a report on a mail that is not ours",
        ],
        "receipt_or_complaint" => [
            "уведомление о прочтении или жалоба",
            "оқылғаны туралы хабарлама не шағым",
            "a read receipt or a complaint",
        ],
        "from_a_bot" => [
            "написал бот, отвечать ему нельзя",
            "мұны бот жазған, оған жауап берілмейді",
            "a bot wrote it, and bots are not answered",
        ],
        "operator_s_answer_by_mail" | "operator_s_note_by_mail" => [
            "оператор ответил на уведомление",
            "оператор хабарландыруға жауап берді",
            "an operator answered a notice",
        ],
        "a_machine_answers_a_notice" => [
            "на уведомление ответил автоответчик, это не сообщение",
            "хабарландыруға автожауап келді, бұл хабарлама емес",
            "a machine answered a notice; that is no message",
        ],
        "chat_of_an_operator" => [
            "оператор связал этот чат со своей учётной записью",
            "оператор бұл чатты өз тіркелгісімен байланыстырды",
            "an operator tied this chat to their account",
        ],
        "rated_by_button" => [
            "клиент оценил работу кнопкой",
            "клиент жұмысты түйме арқылы бағалады",
            "the client rated the work by a button",
        ],
        "button_forged" | "button_not_ours" => [
            "такой кнопки в этом чате не было",
            "бұл чатта мұндай түйме болған жоқ",
            "there was no such button in this chat",
        ],
        "start" | "start_by_link" | "start_by_an_unknown_link" => [
            "человек открыл бота, писать он ещё не начал",
            "адам ботты ашты, әлі ештеңе жазған жоқ",
            "somebody opened the bot and has not written yet",
        ],
        "message_that_could_not_be_decrypted" => [
            "WhatsApp не смог расшифровать сообщение",
            "WhatsApp хабарламаның шифрын аша алмады",
            "WhatsApp could not decrypt the message",
        ],
        "update_without_a_chat" => [
            "событие не называет чата, разобрать его нельзя",
            "оқиғада чат аталмаған, оны талдау мүмкін емес",
            "it names no chat and cannot be read",
        ],
        "empty_message" => [
            "в сообщении ничего нет",
            "хабарламада ештеңе жоқ",
            "there is nothing in the message",
        ],
        "pressed_by_another" => [
            "кнопку нажал не тот, чья это заявка",
            "түймені өтінім иесі емес, басқа адам басты",
            "somebody else than the ticket's person pressed the button",
        ],
        other => return other.replace('_', " "),
    };
    lang.pick(known).to_owned()
}

/// A sign that a machine or we ourselves wrote a mail, in words.
pub(super) fn guard(sign: &str, lang: Lang) -> String {
    let known = match sign {
        "duplicate" => [
            "такое письмо уже приходило",
            "мұндай хат бұрын келген",
            "the same mail came before",
        ],
        "auto_submitted" => [
            "заголовок Auto-Submitted: письмо создала программа",
            "Auto-Submitted тақырыбы: хатты бағдарлама жасаған",
            "the Auto-Submitted header: a program made it",
        ],
        "precedence" => [
            "заголовок Precedence: автоответ или рассылка",
            "Precedence тақырыбы: автожауап не тарату",
            "the Precedence header: an automatic answer or a mailing",
        ],
        "auto_response_suppress" => [
            "заголовок X-Auto-Response-Suppress просит не отвечать автоматически",
            "X-Auto-Response-Suppress тақырыбы автоматты жауап бермеуді сұрайды",
            "the X-Auto-Response-Suppress header asks for no automatic answer",
        ],
        "mailing_list" => [
            "заголовки списка рассылки",
            "тарату тізімінің тақырыптары",
            "headers of a mailing list",
        ],
        "machine_header" => [
            "заголовок автоответчика",
            "автожауап берушінің тақырыбы",
            "a header of an automatic answer",
        ],
        "null_sender" => [
            "пустой отправитель, как у отчётов и автоответов",
            "бос жіберуші, есептер мен автожауаптардағыдай",
            "a null sender, as reports and automatic answers have",
        ],
        "unread_sender" => [
            "отправитель вида no-reply, его никто не читает",
            "no-reply түріндегі жіберуші, оны ешкім оқымайды",
            "a sender such as no-reply that nobody reads",
        ],
        "bounce_sender" => [
            "письмо почтовой службы о недоставке",
            "пошта қызметінің жеткізілмегені туралы хаты",
            "a mail server's word that something did not arrive",
        ],
        "subject" => [
            "тема автоответа",
            "автожауаптың тақырыбы",
            "the subject of an automatic answer",
        ],
        "report" => [
            "отчёт о доставке, прочтении или жалоба",
            "жеткізілу, оқылу туралы есеп не шағым",
            "a report on delivery, a receipt or a complaint",
        ],
        "own_loop" => [
            "заголовок, по которому мы узнаём свои автоматические письма",
            "өз автоматты хаттарымызды танитын тақырып",
            "the header by which we know our automatic mail",
        ],
        "own_message_id" => [
            "Message-ID нашего собственного письма",
            "өз хатымыздың Message-ID белгісі",
            "the Message-ID of a mail of ours",
        ],
        "own_mailbox" => [
            "отправитель — наш собственный ящик",
            "жіберуші — өз жәшігіміз",
            "the sender is a mailbox of ours",
        ],
        other => return other.replace('_', " "),
    };
    lang.pick(known).to_owned()
}
