import type { Route } from './call.js';

/** Finds the route of a request. Paths have at most one `:id`. */
export class Router {
  private readonly routes = new Map<string, Route>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.routes.set(`${route.method} ${route.path}`, route);
  }

  /** The route and the id in the path, or undefined when there is none. Fixed words win over ids. */
  find(method: string, path: string): { route: Route; id: string } | undefined {
    const exact = this.routes.get(`${method} ${path}`);
    if (exact !== undefined) return { route: exact, id: '' };
    const segments = path.split('/');
    for (let position = segments.length - 1; position > 2; position -= 1) {
      const pattern = segments.with(position, ':id').join('/');
      const route = this.routes.get(`${method} ${pattern}`);
      if (route !== undefined) return { route, id: decodeURIComponent(segments[position] ?? '') };
    }
    return undefined;
  }
}
