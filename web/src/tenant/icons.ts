/** The icons that only the operator app draws. */
import archive from 'lucide-static/icons/archive.svg?path';
import bell from 'lucide-static/icons/bell.svg?path';
import bold from 'lucide-static/icons/bold.svg?path';
import building from 'lucide-static/icons/building-2.svg?path';
import chart from 'lucide-static/icons/chart-column.svg?path';
import chat from 'lucide-static/icons/message-circle.svg?path';
import command from 'lucide-static/icons/command.svg?path';
import edit from 'lucide-static/icons/pencil.svg?path';
import eye from 'lucide-static/icons/eye.svg?path';
import flag from 'lucide-static/icons/flag.svg?path';
import folder from 'lucide-static/icons/folder.svg?path';
import heading from 'lucide-static/icons/heading.svg?path';
import help from 'lucide-static/icons/keyboard.svg?path';
import hold from 'lucide-static/icons/circle-pause.svg?path';
import image from 'lucide-static/icons/image.svg?path';
import inbox from 'lucide-static/icons/inbox.svg?path';
import italic from 'lucide-static/icons/italic.svg?path';
import key from 'lucide-static/icons/key-round.svg?path';
import layers from 'lucide-static/icons/layers.svg?path';
import left from 'lucide-static/icons/panel-left.svg?path';
import list from 'lucide-static/icons/list.svg?path';
import logout from 'lucide-static/icons/log-out.svg?path';
import mail from 'lucide-static/icons/mail.svg?path';
import maximize from 'lucide-static/icons/maximize.svg?path';
import mic from 'lucide-static/icons/mic.svg?path';
import monitor from 'lucide-static/icons/monitor.svg?path';
import more from 'lucide-static/icons/ellipsis.svg?path';
import note from 'lucide-static/icons/sticky-note.svg?path';
import phone from 'lucide-static/icons/phone.svg?path';
import quote from 'lucide-static/icons/text-quote.svg?path';
import reply from 'lucide-static/icons/reply.svg?path';
import right from 'lucide-static/icons/panel-right.svg?path';
import settings from 'lucide-static/icons/settings.svg?path';
import sort from 'lucide-static/icons/arrow-down-wide-narrow.svg?path';
import status from 'lucide-static/icons/circle-dot.svg?path';
import steps from 'lucide-static/icons/list-ordered.svg?path';
import stop from 'lucide-static/icons/square.svg?path';
import table from 'lucide-static/icons/table.svg?path';
import tag from 'lucide-static/icons/tag.svg?path';
import team from 'lucide-static/icons/users-round.svg?path';
import trash from 'lucide-static/icons/trash-2.svg?path';
import up from 'lucide-static/icons/arrow-up.svg?path';
import user from 'lucide-static/icons/user.svg?path';
import users from 'lucide-static/icons/users.svg?path';
import webhook from 'lucide-static/icons/webhook.svg?path';
import workflow from 'lucide-static/icons/workflow.svg?path';
import zap from 'lucide-static/icons/zap.svg?path';
import { register } from '../lib/ui/icons';

const desk = {
  archive, bell, bold, building, chart, chat, command, edit, eye, flag, folder, heading, help, hold, image, inbox, italic, key, layers, left, list, logout,
  mail, maximize, mic, monitor, more, note, phone, quote, reply, right, settings, sort, status, steps, stop, table, tag, team, trash, up, user, users, webhook, workflow, zap,
};
export type DeskIcon = keyof typeof desk;
register(desk);
