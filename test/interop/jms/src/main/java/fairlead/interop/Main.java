package fairlead.interop;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs JMS scenarios by name against two places where a broker can be reached, and tells each check as a line of JSON:
 * {@code Main NEAR FAR PREFIX SCENARIO...}; without scenarios it names them.
 */
public final class Main {
  private static final int SCENARIO_SECONDS = 40;

  private Main() {}

  static Map<String, Scenario> scenarios() {
    Map<String, Scenario> all = new LinkedHashMap<>();
    Queues.addTo(all);
    Bodies.addTo(all);
    Acknowledgement.addTo(all);
    Timing.addTo(all);
    Selection.addTo(all);
    Temporary.addTo(all);
    Topics.addTo(all);
    Subscriptions.addTo(all);
    Transactions.addTo(all);
    return all;
  }

  public static void main(String[] args) throws InterruptedException {
    Map<String, Scenario> all = scenarios();
    if (args.length < 4) {
      all.keySet().forEach(System.out::println);
      return;
    }
    // Scenarios that hang are given up on: their threads must not keep the process.
    ExecutorService runner = Executors.newCachedThreadPool(task -> {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      return thread;
    });
    for (int n = 3; n < args.length; n++) {
      Report report = new Report(args[n]);
      Scenario scenario = all.get(args[n]);
      if (scenario == null) throw new IllegalArgumentException("no scenario " + args[n]);
      run(runner, scenario, new Stage(args[0], args[1], args[2], report), report);
    }
    System.exit(0);
  }

  private static void run(ExecutorService runner, Scenario scenario, Stage stage, Report report)
      throws InterruptedException {
    try {
      runner.submit(() -> {
        scenario.run(stage);
        return null;
      }).get(SCENARIO_SECONDS, TimeUnit.SECONDS);
      report.done();
    } catch (ExecutionException failed) {
      report.failed(failed.getCause());
    } catch (TimeoutException late) {
      report.failed(late);
    } finally {
      stage.close();
    }
  }
}
