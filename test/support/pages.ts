import type { HttpCall, Reply, Service } from "./service.ts";

/** Every page of a list, from the first to the one that says there is no more. */
export const pagesOf = async (service: Service, call: HttpCall): Promise<Reply[]> => {
  const pages: Reply[] = [];
  let after: Record<string, string> = {};
  for (let hasMore = true; hasMore; ) {
    const page = await service.get({ ...call, query: { ...call.query, ...after } });
    expect(page.status).toBe(200);
    pages.push(page);
    hasMore = page.json.has_more;
    after = { after: page.json.next_cursor };
    if (pages.length > 2000) throw new Error("expected the pages of a list to end");
  }
  return pages;
};
