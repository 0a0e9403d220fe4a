/** Lets a field take files dropped on it or pasted into it; text is pasted as ever. */
import type { Attachment } from 'svelte/attachments';

export function takesFiles(onfiles: (files: File[]) => void, onhover: (over: boolean) => void = () => undefined): Attachment<HTMLElement> {
  return (node) => {
    let depth = 0;
    const carries = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const listeners = {
      dragenter(event: DragEvent) { if (carries(event)) { depth += 1; onhover(true); } },
      dragleave(event: DragEvent) { if (carries(event)) { depth -= 1; onhover(depth > 0); } },
      dragover(event: DragEvent) { if (carries(event)) event.preventDefault(); },
      drop(event: DragEvent) {
        depth = 0;
        onhover(false);
        if (!carries(event)) return;
        event.preventDefault();
        onfiles([...(event.dataTransfer?.files ?? [])]);
      },
      paste(event: ClipboardEvent) {
        const files = [...(event.clipboardData?.files ?? [])];
        if (!files.length || event.clipboardData?.types.includes('text/plain')) return;
        event.preventDefault();
        onfiles(files);
      },
    };
    for (const [type, listener] of Object.entries(listeners)) node.addEventListener(type, listener as EventListener);
    return () => { for (const [type, listener] of Object.entries(listeners)) node.removeEventListener(type, listener as EventListener); };
  };
}
