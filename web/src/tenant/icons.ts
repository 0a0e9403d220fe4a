/** The icons that only the operator app draws. */
import archive from 'lucide-static/icons/archive.svg?raw';
import bell from 'lucide-static/icons/bell.svg?raw';
import bold from 'lucide-static/icons/bold.svg?raw';
import building from 'lucide-static/icons/building-2.svg?raw';
import chart from 'lucide-static/icons/chart-column.svg?raw';
import chat from 'lucide-static/icons/message-circle.svg?raw';
import command from 'lucide-static/icons/command.svg?raw';
import edit from 'lucide-static/icons/pencil.svg?raw';
import eye from 'lucide-static/icons/eye.svg?raw';
import flag from 'lucide-static/icons/flag.svg?raw';
import folder from 'lucide-static/icons/folder.svg?raw';
import heading from 'lucide-static/icons/heading.svg?raw';
import help from 'lucide-static/icons/keyboard.svg?raw';
import hold from 'lucide-static/icons/circle-pause.svg?raw';
import image from 'lucide-static/icons/image.svg?raw';
import inbox from 'lucide-static/icons/inbox.svg?raw';
import italic from 'lucide-static/icons/italic.svg?raw';
import key from 'lucide-static/icons/key-round.svg?raw';
import layers from 'lucide-static/icons/layers.svg?raw';
import left from 'lucide-static/icons/panel-left.svg?raw';
import list from 'lucide-static/icons/list.svg?raw';
import logout from 'lucide-static/icons/log-out.svg?raw';
import mail from 'lucide-static/icons/mail.svg?raw';
import maximize from 'lucide-static/icons/maximize.svg?raw';
import mic from 'lucide-static/icons/mic.svg?raw';
import monitor from 'lucide-static/icons/monitor.svg?raw';
import more from 'lucide-static/icons/ellipsis.svg?raw';
import note from 'lucide-static/icons/sticky-note.svg?raw';
import phone from 'lucide-static/icons/phone.svg?raw';
import quote from 'lucide-static/icons/text-quote.svg?raw';
import reply from 'lucide-static/icons/reply.svg?raw';
import right from 'lucide-static/icons/panel-right.svg?raw';
import settings from 'lucide-static/icons/settings.svg?raw';
import sort from 'lucide-static/icons/arrow-down-wide-narrow.svg?raw';
import status from 'lucide-static/icons/circle-dot.svg?raw';
import steps from 'lucide-static/icons/list-ordered.svg?raw';
import stop from 'lucide-static/icons/square.svg?raw';
import table from 'lucide-static/icons/table.svg?raw';
import tag from 'lucide-static/icons/tag.svg?raw';
import team from 'lucide-static/icons/users-round.svg?raw';
import trash from 'lucide-static/icons/trash-2.svg?raw';
import up from 'lucide-static/icons/arrow-up.svg?raw';
import user from 'lucide-static/icons/user.svg?raw';
import users from 'lucide-static/icons/users.svg?raw';
import webhook from 'lucide-static/icons/webhook.svg?raw';
import workflow from 'lucide-static/icons/workflow.svg?raw';
import zap from 'lucide-static/icons/zap.svg?raw';
import { register } from '../lib/ui/icons';

const desk = {
  archive, bell, bold, building, chart, chat, command, edit, eye, flag, folder, heading, help, hold, image, inbox, italic, key, layers, left, list, logout,
  mail, maximize, mic, monitor, more, note, phone, quote, reply, right, settings, sort, status, steps, stop, table, tag, team, trash, up, user, users, webhook, workflow, zap,
};
export type DeskIcon = keyof typeof desk;
register(desk);
