/** JSON, or other text, for reading: a named region in the tab order. */
export function JsonView({ value, label, testId }: { value: unknown; label: string; testId: string }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard must be able to scroll it (WCAG 2.1.1)
    <section className="json" aria-label={label} tabIndex={0}>
      <pre data-testid={testId}>{text}</pre>
    </section>
  );
}
