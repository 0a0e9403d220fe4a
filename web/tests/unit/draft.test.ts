import { beforeEach, expect, it } from 'vitest';
import { draftedTickets, loadDraft, saveDraft } from '../../src/lib/draft';

const files = [{ id: 3, name: 'a.png', size: 1, mime: 'image/png', url: '/files/3/a.png', inline: false, content_id: null }];
beforeEach(() => localStorage.clear());

it('keeps the reply and the note of a ticket apart, with their files', () => {
  saveDraft('op5', 'reply', 7, { text: 'Здравствуйте', files });
  saveDraft('op5', 'note', 7, { text: 'он звонил', files: [] });
  expect(loadDraft('op5', 'reply', 7)).toEqual({ text: 'Здравствуйте', files });
  expect(loadDraft('op5', 'note', 7).text).toBe('он звонил');
  expect(loadDraft('op5', 'reply', 8)).toEqual({ text: '', files: [] });
});

it('lists the tickets with drafts of one person only', () => {
  saveDraft('op5', 'reply', 7, { text: 'a', files: [] });
  saveDraft('op5', 'note', 7, { text: 'b', files: [] });
  saveDraft('op6', 'reply', 9, { text: 'c', files: [] });
  saveDraft('op5', 'new', 0, { text: 'd', files: [] });
  expect(draftedTickets('op5')).toEqual([7]);
});

it('forgets an empty draft but not one that only has files', () => {
  saveDraft('op5', 'reply', 7, { text: '', files });
  expect(draftedTickets('op5')).toEqual([7]);
  saveDraft('op5', 'reply', 7, { text: '', files: [] });
  expect(draftedTickets('op5')).toEqual([]);
});

it('reads a broken entry as an empty draft', () => {
  localStorage.setItem('tp.draft.op5.reply.7', '{"text":');
  expect(loadDraft('op5', 'reply', 7)).toEqual({ text: '', files: [] });
});
