package fairlead.interop;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Objects;

/** Tells what was checked, a line of JSON for each. */
final class Report {
  private final String scenario;

  Report(String scenario) {
    this.scenario = scenario;
  }

  void check(String what, boolean holds, String detail) {
    say("\"check\":" + quoted(what) + ",\"ok\":" + holds + ",\"detail\":" + quoted(detail));
  }

  void equal(String what, Object expected, Object found) {
    check(what, Objects.equals(expected, found), "expected " + expected + ", found " + found);
  }

  void done() {
    say("\"done\":true");
  }

  void failed(Throwable why) {
    StringWriter trace = new StringWriter();
    why.printStackTrace(new PrintWriter(trace, true));
    String text = trace.toString();
    check("ends without an exception", false, text.substring(0, Math.min(text.length(), 1_500)));
  }

  private void say(String fields) {
    synchronized (System.out) {
      System.out.println("{\"scenario\":" + quoted(scenario) + "," + fields + "}");
    }
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char letter : text.toCharArray()) {
      if (letter == '"' || letter == '\\') json.append('\\').append(letter);
      else if (letter < ' ' || letter > '~') json.append(String.format("\\u%04x", (int) letter));
      else json.append(letter);
    }
    return json.append('"').toString();
  }
}
