//! CRM, telephony, messengers, invoices and integrations.

use crate::demo::script::Turn::{
    Approve, Client, Complete, Estimate, Hold, LogTime, Note, PassOn, Reject, Resume, Support,
};
use crate::demo::script::{Dialog, Language};

const BASE: Dialog = Dialog {
    category: "crm",
    ..Dialog::of(Language::En)
};

pub(super) const DIALOGS: &[Dialog] = &[
    Dialog {
        priority: "urgent",
        tags: &["интеграция"],
        values: &[("n", "11|24|36")],
        subject: "{Deals are not syncing to the ERP|CRM to ERP sync has stopped}",
        turns: &[
            Client(
                0,
                "{Hello,|Hi,} won deals stopped going to the ERP at {before}. {n} deals are stuck and the warehouse has nothing to pick.",
            ),
            Support(
                9,
                "Hi {client}, we can see the queue piling up. Looking into it now.",
            ),
            Note(
                12,
                "ERP rejects the batch: one deal has a currency code it does not know, and the whole batch is rolled back.",
            ),
            Support(
                16,
                "Found it: one deal was saved in a currency the ERP does not know, and it blocks everything behind it. I have set that one aside and the rest is going through.",
            ),
            Client(
                12,
                "{I can see them arriving, thank you!|They are coming in now.} Which deal is it?",
            ),
            Support(
                8,
                "The one for the Aktau office, created this morning with AZN. If you add AZN to the ERP's currencies, I will resend it. From now on a faulty deal is skipped and reported instead of blocking the others.",
            ),
            Client(45, "AZN added, please resend."),
            Support(10, "Sent and accepted."),
            Complete(
                5,
                "Blocking deal isolated and resent; the exchange now skips and reports faulty deals.",
                60,
            ),
        ],
        relapse: "The sync is stuck again, nothing has reached the ERP for the last hour.",
        ..BASE
    },
    Dialog {
        category: "telephony",
        values: &[("app", "Zoiper|Linphone|MicroSIP")],
        subject: "{One-way audio on the softphone|Callers can't hear us on {app}}",
        turns: &[
            Client(
                0,
                "Hello, since we moved to the new floor, callers can't hear us on {app}. We hear them fine. Desk phones are OK.",
            ),
            Support(
                31,
                "Hi {client}, are the laptops on the guest Wi‑Fi or on the office one?",
            ),
            Client(
                22,
                "{Guest, the office one does not reach our corner.|On the guest network, yes.}",
            ),
            Support(
                18,
                "That explains it: the guest network blocks outgoing voice on purpose. I will bring the office network to your corner rather than open the guest one.",
            ),
            PassOn(20, "An access point is needed on the new floor."),
            Support(
                300,
                "The access point is up and your laptops will join the office network by themselves. Could you make a test call?",
            ),
            Client(
                35,
                "{Crystal clear. Thank you!|Works both ways now, thanks.}",
            ),
            Complete(
                5,
                "Office Wi‑Fi extended to the new floor; softphones moved off the guest network.",
                90,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "whatsapp",
        values: &[("name", "shipment_arrived|payment_reminder|delivery_window")],
        subject: "{WhatsApp template rejected|Template {name} was rejected, why?}",
        turns: &[
            Client(
                0,
                "Hi team, WhatsApp rejected our template {name}. No explanation, just \"policy\". We need it before the next sailing.",
            ),
            Support(
                42,
                "Hello {client}, it was filed as a utility message, but the last sentence offers a discount, which makes it marketing. Shall I split it in two: a plain notice now and a separate marketing template?",
            ),
            Client(28, "Yes please, the notice first."),
            Hold(15, "The new template is in review at WhatsApp."),
            Resume(310),
            Support(
                6,
                "Approved this morning. It is already selected in the robot, and I sent one to your own number as a test.",
            ),
            Client(25, "{Got it, looks good. Thanks!|Received. Perfect.}"),
            Complete(
                5,
                "Template split in two; the notice is approved and in use.",
                35,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "automation",
        priority: "low",
        tags: &["VIP"],
        portals: &["steppe-logistics.bitrix24.com"],
        values: &[("n", "3|4")],
        subject: "{Approval flow for customs documents|Automate the customs paperwork}",
        turns: &[
            Client(
                0,
                "Hello! We would like every shipment to collect its customs documents in one place: declaration, invoice, packing list, CMR. {n} people approve them in turn, and nobody knows whose turn it is.",
            ),
            Support(
                75,
                "Hi {client}, that is a good fit for a business process. Who may skip a step when somebody is on leave, and is there a deadline for each approval?",
            ),
            Client(
                60,
                "Deputies may approve, four working hours each. The declarant sees everything.",
            ),
            Estimate(
                120,
                14.0,
                "Document checklist per shipment, approvals in turn with deputies and deadlines, reminders, a report of who holds what.",
            ),
            Reject(
                300,
                "Above our budget for this quarter. Could we start without the report?",
            ),
            Estimate(
                60,
                9.0,
                "Document checklist per shipment, approvals in turn with deputies and deadlines, reminders.",
            ),
            Approve(180),
            LogTime(420, 300, "Checklist and approvals"),
            Support(
                120,
                "The process is live for one test shipment. Please run it through with the real approvers.",
            ),
            Client(
                420,
                "{Ran two shipments, it just works.|We moved all new shipments onto it.} Deputies got their reminders too.",
            ),
            Complete(
                15,
                "Customs document approval is live for all new shipments.",
                520,
            ),
        ],
        relapse: "A deputy could not approve today: the button is greyed out while the manager is on leave.",
        ..BASE
    },
    Dialog {
        category: "bugfix",
        priority: "urgent",
        tags: &["интеграция"],
        portals: &["steppe-logistics.bitrix24.com"],
        values: &[("n", "8|15|22")],
        subject: "{Truck positions are not updating|GPS integration returns 429}",
        turns: &[
            Client(
                0,
                "Positions of {n} trucks have not moved on the map since {before}. The tracker's own site shows them fine. Dispatch is calling drivers by phone.",
            ),
            Support(
                8,
                "Hi {client}, the tracker's API answers \"429 Too Many Requests\". Checking what is asking so often.",
            ),
            Note(
                15,
                "A second copy of the poller runs on the old server since the migration. Stop it.",
            ),
            Support(
                14,
                "The old server still had a copy of the poller running, so we burned the quota twice as fast. Stopped. Positions should move within five minutes.",
            ),
            Client(
                9,
                "{They are moving.|All back on the map.} Thanks for the quick turn.",
            ),
            Complete(
                10,
                "Duplicate poller on the retired server removed; quota usage is back to 45 %.",
                35,
            ),
        ],
        relapse: "The map has frozen again, same 429.",
        ..BASE
    },
    Dialog {
        category: "other",
        tags: &["счёт"],
        channels: &["email", "portal"],
        values: &[("n", "2|3")],
        subject: "{Question about your VAT invoice|Invoice for support hours: VAT and closing documents}",
        turns: &[
            Client(
                0,
                "Dear team, our auditors ask for the electronic VAT invoice and the signed act for the last {n} months. We only have the proforma invoices. Could you also confirm the VAT rate applied?",
            ),
            Support(
                65,
                "Dear {client}, all of them were issued through the e-invoicing system; here are the registration numbers. The rate is the standard one, shown in column 12. The signed acts are attached as PDF with the signature sheets.",
            ),
            Client(
                90,
                "{Thank you, the auditors are happy.|Received, thank you. One act is missing the annex.}",
            ),
            Support(
                30,
                "The annex is attached as well, so that you have the complete set.",
            ),
            Complete(
                120,
                "Registration numbers, signed acts and the annex sent.",
                25,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "consultation",
        priority: "low",
        tags: &["обучение"],
        channels: &["portal", "widget"],
        values: &[(
            "what",
            "a pipeline per office|a separate pipeline for tenders|a pipeline for claims",
        )],
        subject: "{Should we add {what}?|Advice needed on CRM pipelines}",
        turns: &[
            Client(
                0,
                "Hi, we are thinking about {what}. Is that wise, or shall we keep one pipeline and use a field? We have about 200 open deals.",
            ),
            Support(
                85,
                "Hello {client}, good question to ask before doing it. If the stages are the same, keep one pipeline and add a field: reports stay simple. If the stages differ, a second pipeline is right. Could you list the stages you have in mind?",
            ),
            Client(130, "Three of the seven would be different, actually."),
            Support(
                40,
                "Then a second pipeline it is. I attached a one-page layout, with robots that move a deal between the two. You can build it yourselves in an hour, or we do it for you.",
            ),
            Client(
                60,
                "{We will try it ourselves, thanks for the layout!|Very clear, thank you. We will build it ourselves.}",
            ),
            Complete(
                10,
                "Advised a second pipeline, layout and robots described.",
                40,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "tasks",
        values: &[("n", "5|7|12")],
        subject: "{Recurring tasks are created twice|Every weekly task appears two times}",
        turns: &[
            Client(
                0,
                "Hello, our weekly tasks show up twice every Monday, {n} of them. People close one and the other stays overdue.",
            ),
            Support(
                38,
                "Hi {client}, could you tell me whether the templates were copied when the department was renamed?",
            ),
            Client(
                26,
                "{Probably, our assistant re-created some.|Yes, I think so.}",
            ),
            Support(
                33,
                "There are indeed two templates for each, the old ones under the former department's name. I paused the old ones and closed today's duplicates. Next Monday will show.",
            ),
            Client(
                900,
                "Only one of each this Monday. {Thanks!|Solved, thank you.}",
            ),
            Complete(
                5,
                "Duplicate task templates switched off, duplicates closed.",
                30,
            ),
        ],
        ..BASE
    },
];
