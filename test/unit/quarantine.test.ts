import fc from "fast-check";
import {
  positionOfQuarantineId,
  quarantineBegin,
  quarantineExpiry,
  quarantineIdOf,
} from "../../shared/domain/quarantine.ts";
import { hasExpired } from "../../shared/domain/retention.ts";

const anyPosition = fc.record({
  sentAt: fc.integer({ min: 0, max: 9_999_999_999_999 }),
  messageId: fc.oneof(fc.uuid(), fc.string({ minLength: 1, maxLength: 30, unit: "binary" })),
  index: fc.option(fc.integer({ min: 0, max: 999_999 }), { nil: undefined }),
});

describe("an id of the quarantine", () => {
  it("names its position, in characters that need no escape in a URL", () => {
    fc.assert(
      fc.property(anyPosition, (position) => {
        const id = quarantineIdOf(position);

        expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(positionOfQuarantineId(id)).toEqual(position);
      }),
    );
  });

  it("is no longer than an id may be", () => {
    const longest = { sentAt: 9_999_999_999_999, messageId: "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e001", index: undefined };

    expect(quarantineIdOf(longest).length).toBeLessThanOrEqual(128);
  });

  const idOf = (text: string): string => Buffer.from(text).toString("base64url");

  it.each([
    ["", "nothing"],
    ["run-1", "another id"],
    ["../../x", "a path"],
    [idOf("1#0"), "no message"],
    [idOf("1#0#"), "an empty message"],
    [idOf("-1#0#m"), "a time before all time"],
    [idOf("99999999999999#0#m"), "a time beyond all time"],
    [idOf("1e3#0#m"), "a time in another form"],
    [idOf("01#0#m"), "a time with more digits than it needs"],
    [idOf("1#00#m"), "an index with more digits than it needs"],
    [idOf("1#-1#m"), "an index below zero"],
    [idOf("1##m"), "no index"],
    [idOf(`1#0#${"m".repeat(101)}`), "a message that is too long"],
    [`${idOf("1#0#m")}=`, "padding"],
    [`${idOf("1#0#m")}!`, "other characters"],
    [Buffer.from([49, 35, 48, 35, 255]).toString("base64url"), "bytes that are no text"],
  ])("is not %j (%s)", (id) => {
    expect(positionOfQuarantineId(id)).toBeUndefined();
  });
});

describe("the quarantine", () => {
  it("begins exactly where what was sent has not expired", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e13 }), fc.integer({ min: -3000, max: 3000 }), (now, offset) => {
        const sentAt = now - 14 * 86_400_000 + offset;

        expect(sentAt >= quarantineBegin(now)).toBe(!hasExpired(quarantineExpiry(sentAt), now));
      }),
    );
  });
});
