/** What a browser sees at an address that leads nowhere. */
export function NotFound({ root }: { readonly root: string }) {
  return (
    <div class="card narrow">
      <p>There is nothing at this address. The link may be mistyped or out of date.</p>
      <p class="row">
        <a class="button" href={`${root}/`}>
          Go to the playground
        </a>
        <a href={`${root}/docs`}>API reference</a>
      </p>
    </div>
  );
}
