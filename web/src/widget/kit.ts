/** The loader's parts that the second file works with. */
import { conversation } from './conversation';
import { button, h, link } from './dom';
import { complaint, createField, createForm } from './form';
import { newRequest } from './new-request';
import { say } from './texts';

export const kit = { h, button, link, createField, createForm, conversation, newRequest, complaint, say };
export type Kit = typeof kit;
