/** What the connections of `fairlead expose` ask to become: no browser can. */
export const EXPOSE_PROTOCOL = 'fairlead-expose';
