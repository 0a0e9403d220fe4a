//! Laptops, networks, servers and people who come and go.

use crate::demo::script::Turn::{
    Approve, Client, Complete, Estimate, Hold, LogTime, Note, PassOn, Resume, Support,
};
use crate::demo::script::{Dialog, Language};

const BASE: Dialog = Dialog {
    category: "setup",
    ..Dialog::of(Language::En)
};

pub(super) const DIALOGS: &[Dialog] = &[
    Dialog {
        category: "infrastructure",
        tags: &["сеть"],
        values: &[("os", "Windows 11|macOS"), ("n", "20|40")],
        subject: "{VPN won't connect on my new laptop|VPN drops every {n} minutes}",
        turns: &[
            Client(
                0,
                "Hi, I got a new {os} laptop and the VPN connects, then drops after about {n} minutes. My old one was fine on the same Wi‑Fi.",
            ),
            Support(
                24,
                "Hello {client}, does it drop while you type, or only when you step away?",
            ),
            Client(20, "Mostly after a coffee break, now that you mention it."),
            Support(
                22,
                "The new laptop puts its network card to sleep. I am sending a policy that keeps it awake on mains power; it applies within the hour, no restart needed.",
            ),
            Client(
                200,
                "{No drops since. Thanks!|Two hours and still connected, great.}",
            ),
            Complete(
                5,
                "Power policy changed: the network card stays awake on mains power.",
                20,
            ),
        ],
        relapse: "It dropped three times this morning, even while I was typing.",
        ..BASE
    },
    Dialog {
        category: "infrastructure",
        priority: "urgent",
        tags: &["сервер"],
        channels: &["api"],
        values: &[("host", "prod-01|edge-02|db-replica"), ("n", "91|94|98")],
        subject: "Server CPU > 90% on {host}",
        turns: &[
            Client(0, "Alert from Zabbix: host {host}, CPU {n}% for 5 min"),
            Note(
                6,
                "A report query without an index, started by the nightly export that now overlaps the working day.",
            ),
            Support(
                11,
                "{client}, {host} is busy with last night's export, which ran into the morning. We are stopping it and will run it again tonight.",
            ),
            Support(14, "Fixed. CPU dropped to 35% after stopping the export."),
            Client(25, "Thanks, the dashboards are quick again."),
            Complete(
                10,
                "Export stopped and rescheduled, missing index added, monitoring confirmed normal operation.",
                40,
            ),
        ],
        ..BASE
    },
    Dialog {
        priority: "urgent",
        tags: &["безопасность"],
        values: &[
            ("place", "a taxi|the airport lounge|a café"),
            ("laptop", "ThinkPad T14|MacBook Air|Latitude 7440"),
        ],
        subject: "{Laptop stolen|My work laptop was left in {place}}",
        channels: &["email", "widget"],
        turns: &[
            Client(
                0,
                "Urgent: my {laptop} was left in {place} about an hour ago and it is gone. It has customer contracts on it.",
            ),
            Support(
                4,
                "{client}, we are locking it now. Please call the place in any case. Was it switched on?",
            ),
            Client(5, "Lid closed, so asleep I guess."),
            Note(
                8,
                "Disk is encrypted, last seen 70 minutes ago. Wipe queued, sessions ended, tokens revoked.",
            ),
            Support(
                9,
                "The disk is encrypted, so nobody can read it without your password. All your sessions are signed out, a lock and wipe order will run as soon as it comes online, and your password must be changed: I am calling you now.",
            ),
            Client(
                15,
                "Password changed over the phone. {Thank you for staying calm.|Thanks, that helps.}",
            ),
            Support(
                60,
                "A spare laptop with your files is ready at the reception. For the police and the insurance, the serial number and a statement are attached.",
            ),
            Client(
                120,
                "{Picked up, working again. Thank you!|Got the spare, everything is there.}",
            ),
            Complete(
                10,
                "Laptop locked and queued for wiping, sessions ended, spare issued, statement sent.",
                75,
            ),
        ],
        ..BASE
    },
    Dialog {
        tags: &["сотрудники"],
        values: &[
            (
                "who",
                "a dispatcher|a customs broker|a sales manager|a finance analyst",
            ),
            ("day", "on Monday|next week|in three days"),
        ],
        subject: "{New joiner: accounts and laptop|Onboarding {who}}",
        turns: &[
            Client(
                0,
                "Hello, {who} joins us {day}. Please prepare a laptop, mailbox, CRM access and an extension. Same rights as the rest of the team.",
            ),
            Support(
                28,
                "Hi {client}, happy to. Please send the full name, the start date and the manager who will sign for the laptop.",
            ),
            Client(50, "All in the attached form."),
            LogTime(210, 75, "Laptop, mailbox, CRM, extension"),
            Support(
                15,
                "Everything is ready: the laptop is labelled at the reception, passwords are in a sealed envelope. The first sign-in asks for new ones and sets up two-factor.",
            ),
            Client(
                500,
                "{First day went smoothly, thank you.|All working from the first minute. Thanks!}",
            ),
            Complete(5, "Laptop and accounts for the new joiner prepared.", 90),
        ],
        relapse: "The new joiner cannot open the shared calendar of the team.",
        ..BASE
    },
    Dialog {
        priority: "low",
        tags: &["выезд", "VIP"],
        portals: &["steppe-logistics.bitrix24.com"],
        values: &[("n", "6|9|14"), ("city", "Aktau|Astana|Atyrau")],
        subject: "{Opening an office in {city}|New branch: network and {n} desks}",
        turns: &[
            Client(
                0,
                "Hi team, we are opening an office in {city} in about six weeks: {n} desks, a meeting room, a small warehouse counter. What do you need from us for an estimate?",
            ),
            Support(
                50,
                "Hi {client}, congratulations! A floor plan with power sockets, the name of the building's internet providers, and whether phones stay on the Almaty numbers.",
            ),
            Client(
                180,
                "Floor plan attached. Two providers in the building. Yes, keep the numbers.",
            ),
            Estimate(
                200,
                30.0,
                "Network design with two providers, site-to-site VPN, Wi‑Fi, desks and meeting room, label printers, two days on site.",
            ),
            Client(120, "Does it include cabling?"),
            Support(
                30,
                "Cabling is done by the building's contractor; we check every line before we accept it.",
            ),
            Approve(900),
            Hold(60, "Waiting for the building to finish the cabling."),
            Client(1400, "Cabling is done, keys are at the reception."),
            Resume(45),
            LogTime(540, 900, "On site: network, desks, meeting room"),
            Support(
                30,
                "The office is online through both providers and the VPN is up. Acceptance sheet attached.",
            ),
            Client(
                400,
                "{Signed. The team moved in yesterday, no complaints at all.|We are in and everything works. Thank you all!}",
            ),
            Complete(15, "Branch office online, accepted by the client.", 1620),
        ],
        ..BASE
    },
    Dialog {
        category: "other",
        tags: &["печать"],
        values: &[("printer", "Zebra ZD421|Zebra ZT231|TSC TE210")],
        subject: "{Label printer skips every second label|{printer} prints half a label}",
        turns: &[
            Client(
                0,
                "Hello, after we changed the label roll the {printer} feeds two labels and prints on one. Couriers are waiting.",
            ),
            Support(
                15,
                "Hi {client}, the printer has to measure the new roll: hold the Feed button until the light flashes twice, then let go. It will feed four or five labels.",
            ),
            Client(
                10,
                "{It did that and now prints on each one.|Done, works!} But the barcode sits too low.",
            ),
            Support(
                18,
                "I moved the layout up by 2 mm in the template. Please print one more.",
            ),
            Client(8, "{Perfect, thanks.|Scans on the first try now.}"),
            Complete(
                4,
                "Printer calibrated for the new roll, label layout adjusted.",
                20,
            ),
        ],
        relapse: "The label printer skips labels again, calibration did not help this time.",
        ..BASE
    },
    Dialog {
        category: "infrastructure",
        tags: &["сервер"],
        values: &[("share", "Finance|Contracts|Shipments"), ("n", "30|50|90")],
        subject: "{The file server is very slow|Opening files from {share} takes {n} seconds}",
        turns: &[
            Client(
                0,
                "Hi, opening any document from the {share} share takes about {n} seconds. Copying is fast. It started this week.",
            ),
            Support(
                41,
                "Hello {client}, is it slow for everybody or only for people on Wi‑Fi?",
            ),
            Client(30, "Everybody, even by cable."),
            Note(
                25,
                "Antivirus on the server got a new engine and scans each open twice. Vendor confirms, fix expected.",
            ),
            Support(
                20,
                "The server's antivirus was updated and now checks every file twice when it is opened. The vendor knows; meanwhile I excluded the double check, protection stays on.",
            ),
            Client(15, "{Much better, about a second now.|Back to normal!}"),
            Hold(20, "Waiting for the antivirus vendor's fixed release."),
            Resume(1300),
            Support(
                15,
                "The fixed release is installed and the exception is removed. Speed stays as it should be.",
            ),
            Complete(
                60,
                "Antivirus updated to the fixed release, temporary exception removed.",
                55,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "infrastructure",
        tags: &["безопасность"],
        values: &[
            ("host", "customer portal|tracking page|mail server"),
            ("days", "4|8|13"),
        ],
        subject: "{Certificate of the {host} expires soon|SSL certificate warning: {host}}",
        turns: &[
            Client(
                0,
                "Hello, our monitoring says the certificate of the {host} expires in {days} days. I thought renewals were automatic?",
            ),
            Support(
                33,
                "Hi {client}, they are, but the renewal needs port 80, which was closed in last month's audit. I will switch the renewal to a DNS check, which needs no open port.",
            ),
            Client(
                24,
                "Makes sense. Tell me if you need anything from our DNS provider.",
            ),
            Support(
                60,
                "No need, we have access. Renewed, valid for 90 days, and a trial renewal succeeded.",
            ),
            Client(
                30,
                "{Thanks for finding the real cause.|Confirmed on our side, thanks.}",
            ),
            Complete(
                5,
                "Certificate renewed; renewals now use DNS and need no open port.",
                35,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "other",
        values: &[("n", "three|four|five")],
        subject: "{Account keeps locking itself|My account locks {n} times a day}",
        turns: &[
            Client(
                0,
                "Hi, my account has been locking itself {n} times a day since I changed my password. You unlock it and an hour later it is locked again.",
            ),
            Support(
                14,
                "Hello {client}, something still uses the old password. Do you have a second phone or a tablet with mail on it?",
            ),
            Client(
                22,
                "{An old iPad at home, yes.|There is a tablet in the meeting room with my mailbox.}",
            ),
            Support(
                12,
                "That is the one: the attempts come from a tablet. Please update the password there, or remove the mailbox. You are unlocked until then.",
            ),
            Client(
                300,
                "Removed the mailbox, no lockouts since. {Thank you!|Mystery solved, thanks.}",
            ),
            Complete(
                5,
                "Old password on a tablet caused the lockouts; mailbox removed from it.",
                15,
            ),
        ],
        ..BASE
    },
    Dialog {
        category: "other",
        priority: "low",
        tags: &["сотрудники"],
        values: &[("team", "operations|finance|claims")],
        subject: "{Shared mailbox for the {team} team|Please set up a shared mailbox}",
        turns: &[
            Client(
                0,
                "Hello, the {team} team would like one shared mailbox instead of forwarding everything to four people. Everyone should see what has been answered.",
            ),
            Support(
                70,
                "Hi {client}, good idea. Who should be in it, and should answers go out under the team's address or the person's own?",
            ),
            Client(
                45,
                "Four people, list attached. Answers under the team's address please.",
            ),
            PassOn(20, "Mail rules on the domain are needed, handing over."),
            LogTime(90, 45, "Shared mailbox, rights, old mail moved"),
            Support(
                15,
                "The mailbox is in everyone's Outlook, old mail is moved, and answers carry the team's address. Replied messages show an arrow for everybody.",
            ),
            Client(100, "{Exactly what we wanted, thanks.|Lovely, thank you.}"),
            Complete(
                5,
                "Shared mailbox created, rights given, old mail moved.",
                60,
            ),
        ],
        ..BASE
    },
];
